"""Notebooks that their owners show to everybody who is signed in, as they were at that moment.

An owner's act puts a copy of the file and of its HTML on the hub's shelf (`shelf`); `own_server` is
how both are had of the owner's running server, and how a colleague's gets a copy; `pages` are the
list, views and buttons.
"""
