"""The doctor: what is wrong with a platform and its engine, under codes. It changes nothing.

`machine`, `running` and `kept` judge facts and are pure; `facts` and `hub_files`, which runs inside
the hub's container, collect them; `examination` has one after the other done; `findings` has what
each code means.
"""

from jhub_docker.doctor.examination import examine
from jhub_docker.doctor.findings import CODES, Examined, Finding

__all__ = ["CODES", "Examined", "Finding", "examine"]
