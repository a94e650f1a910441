"""Accounts: sign-up, approval, log-in in steps, second factor, failed log-ins, identity providers.

| module | subject |
| --- | --- |
| `credentials` | which user names and passwords are good; hashes, and secrets at rest |
| `accounts`, `newcomers` | the accounts' records; how they are made |
| `door`, `throttling` | where passwords and codes are given, and from where; how long to wait |
| `second_factor` | codes of an app or of a list |
| `sessions` | what a log-in still lacks (pure); ending sessions, tokens and servers |
| `authenticator` | what JupyterHub calls |
| `pages`, `second_factor_page`, `people` | the pages |
| `providers` | OIDC and LDAP in place of all this, and what every authenticator has |
"""
