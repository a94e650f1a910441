"""Backs a platform up and restores it.

Two kinds of container run this. One has the engine's socket and no network (`launcher`,
`schedule`): it finds the volumes and starts the other, the worker, which has those volumes, the
repository and no socket (`worker`, and what it uses: `repository`, `staging`, `hub_data`).
"""
