"""Known vulnerabilities of what is in an image, and what nobody could be asked about.

A bill of materials gives package URLs (`components`). Databases in OSV's form and the
distribution's security archive are asked (`sources/`), their answers merged (`findings`), judged by
the maintainers' rules (`policy`, `allow`, `gate`) and shown (`report`). `examine` goes through it.
"""
