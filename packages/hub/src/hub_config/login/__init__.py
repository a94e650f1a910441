"""Accounts: sign-up, approval, log-in in steps, second factor, failed log-ins, identity providers.

| module | subject |
| --- | --- |
| `names` | which user names may be signed up for (pure) |
| `passwords`, `hashing` | which passwords are good (pure); bcrypt away from the event loop |
| `steps` | what a log-in still lacks after the password (pure) |
| `accounts`, `first_admin` | the accounts' records; the one made at first start |
| `failed_logins`, `addresses` | how long to wait after failures, and whose failures they are |
| `sign_ups` | how many accounts an address may ask for |
| `second_factor`, `recovery_codes`, `vault` | codes of an app or of a list; secrets at rest |
| `sessions` | ending somebody's sessions, tokens and servers |
| `authenticator`, `handlers` | what JupyterHub calls; a module per page |
| `reset_admin` | a way in for the operator when the only admin lost both |
| `providers`, `provider_secret` | OIDC and LDAP in place of all this |
"""
