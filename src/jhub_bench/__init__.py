"""Benchmarks: each measures one figure beside a peer's in the same run.

`python -m jhub_bench` is the whole interface (`./dev invoke bench` calls it with the test
dependencies installed). What can be decided without an engine is in `figures`, `record`, `report`
and `selection`; each other module measures one thing.
"""
