"""The audit log: who did what, told through `events.tell`, kept by `journal`, chained by `chain`.

What requests mean is in `watch`.
"""
