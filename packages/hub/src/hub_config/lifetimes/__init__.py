"""How long things live: running servers (`ends` decides and stops them, `times` keeps what people
asked for and tells both to pages and API, `why` says why one counts as active), and the homes of
people who were deleted (`homes`).
"""
