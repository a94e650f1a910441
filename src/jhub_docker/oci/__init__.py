"""Images as files and in registries, in the forms of the Open Container Initiative.

Nothing here asks a Docker Engine but `export`, `saved` and `load`; nothing knows what a release is.
"""
