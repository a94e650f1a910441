"""Sign-up, approval and login on JupyterHub 6."""
