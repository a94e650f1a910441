"""MLflow for who has it (the Compose profile `mlflow`): `spaces` says which space of it is whose,
`layer` is the process between people and MLflow, which knows nobody (packages/tracking), `door` has
spaces made and removed there.
"""
