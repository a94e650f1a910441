"""What goes on at this moment: the page Now, `invoke status`, and what people see of their servers.

`rows` judges and words what `looking` collected, for page and program alike; `pages` answers.
"""
