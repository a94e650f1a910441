"""Where knowledge of vulnerabilities comes from; each says what it reached and how old it is.

`copy` is a local copy of OSV's export, `api` OSV itself, `archive` the distribution's own archive.
"""
