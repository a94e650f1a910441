"""One's own packages, on top of the image's.

What comes with the image is fixed and fast; what one adds is one's own, stays, and never breaks
the image. What one adds is in a virtual environment in the home, one per image and Python version,
which also sees the packages of `/opt/venv`. Kernels, terminals, VS Code and marimo use it; Jupyter
Server does not, so nothing in it can keep the server from starting.
"""
