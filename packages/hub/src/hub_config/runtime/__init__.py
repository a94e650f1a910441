"""Where servers run: one small interface (`interface`), which Docker implements (`docker`,
`networks` and what its records say, `records`). `plan` decides on addresses and on what may pass;
`guard` is the container that keeps the host's firewall in place.

What the runtime really has is the truth; `hub_config.reconcile` compares the database with it.
"""
