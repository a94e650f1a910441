"""What goes on for a person without them: scheduled runs.

A job is a server of theirs with a name that nobody can choose, and a program of ours instead of an
editor: limits, home, network, admission, reconciling and the audit log are those of any server.
`rows` keeps jobs and what became of them, `clock` says when, `decisions` what is to be done,
`runner` does it, `program` is what runs in the container.
"""
