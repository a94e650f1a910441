"""A first page in the home, once: where files are, what stays, how to get back to the hub.

`welcome.md` is the text for all interfaces; here is what differs, and its form in each.
"""
