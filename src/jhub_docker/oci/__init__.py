"""Image files in the forms of the Open Container Initiative: layouts, layers, canonical form.

Nothing here asks a Docker Engine but `engine` and `export`; nothing knows what a release is.
"""
