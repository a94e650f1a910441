"""How long things live: running servers, and the homes of people who were deleted.

`ends` decides when a server ends, `times` keeps what people asked for and tells both to
pages and API (`handlers`), and `service` is the process that stops servers and has old homes
removed. `homes` says which volume is whose home and which are put aside; their page is in
`reconcile`.
"""
