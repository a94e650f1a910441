"""Where servers run: one small interface (`interface`), which Docker implements (`docker`).

What the runtime really has is the truth; `hub_config.reconcile` compares the database with it.
"""
