"""Image files in the forms of the Open Container Initiative: layouts, layers, canonical form.

Nothing here asks a Docker Engine but `export`, `saved` and `load`; nothing knows what a release is.
"""
