"""Known vulnerabilities of what is in an image, and what nobody could be asked about.

Package URLs (`parts`) are given to a scanner or to OSV's service and to the distribution's security
archive (`scanner`, `osv`, `archive`); their answers are merged (`findings`), judged by the
maintainers' rules (`rules`, `gate`) and shown (`report`).
"""
