"""The platform's secrets: which there are, kept as files, made anew. A value is never told.

`whereabouts` says what is a secret and where each is, `changing` keeps and rotates them.
"""
