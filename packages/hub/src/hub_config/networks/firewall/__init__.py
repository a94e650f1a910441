"""The firewall on the Docker host, and the container `guard` that keeps it in place."""
