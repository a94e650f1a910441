"""What Dask's gateway has to know of this platform: who may have clusters (`login`), which pods
they are (`pods`), how those are made and ended (`backend`). All else is dask-gateway-server.
"""
