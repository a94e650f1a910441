"""A service beside the hub that notices when the proxy lost its routes, and has them restored.

The proxy keeps its routes in memory only; one that was restarted or recreated sends everybody to
the hub. JupyterHub compares routes at an interval; this one looks every second, which is cheap,
and asks the hub to compare them at once. It runs as a process of its own that JupyterHub starts,
and starts again when it ends. Every minute it has the hub compare what runs with its database.
"""
