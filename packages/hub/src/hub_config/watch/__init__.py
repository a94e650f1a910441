"""What the audit log is told of requests: `kinds` says what each means, `requests` tells it.

`filters` chooses, `pages` shows, `command` is what operators and their tasks use, `changes` finds
what was set anew, `beginning` has all of it begin.
"""
