"""Known vulnerabilities of what is in an image, and what nobody could be asked about.

Package URLs (`parts`) are given to a scanner or to OSV's service (`scanner`, `osv`); their answers
are merged (`findings`), judged by the maintainers' rules (`rules`), shown and decided on (`gate`).
"""
