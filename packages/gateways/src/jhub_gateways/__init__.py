"""Gateways that make pods for people on Kubernetes, whose own servers may make none: who may have
some (`login`), which pods they are (`pods`), and how they are made and ended (`namespace`).

Dask's is dask-gateway-server with a backend (`dask`); Spark's speaks to its drivers (`spark`), of
whose words `executors` takes over few.
"""
