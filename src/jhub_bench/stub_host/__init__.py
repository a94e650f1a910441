"""An engine of stub servers: one process that answers the Docker Engine's API on a socket, and is
all the servers that the hub starts there, each at its own address, with a browser before each.

It runs in a container of the hub's image and imports nothing of the project. Thousands of servers
are so many records, sockets and timers, and no processes.
"""
