"""Accounts: sign-up, approval, log-in in steps, second factor, failed log-ins, identity providers.

| module | subject |
| --- | --- |
| `names`, `newcomers` | which user names are good (pure); who signs up, and many people at once |
| `accounts`, `first_admin` | the accounts' records; the one made at first start, a way back to it |
| `passwords` | which are good, hashes; both away from the event loop |
| `door`, `throttling` | where passwords and codes are given, and from where; how long to wait |
| `second_factor`, `vault` | codes of an app or of a list; secrets at rest |
| `sessions` | what a log-in still lacks (pure); ending sessions, tokens and servers |
| `authenticator`, `handlers` | what JupyterHub calls; the pages, and its API for a user |
| `upstream` | names of others that are relied on without a promise |
| `providers`, `provider_settings`, `provider_secret` | OIDC and LDAP in place of all this |
"""
