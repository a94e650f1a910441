"""What nobody needs any more, and removing it once somebody has seen the list.

`leftovers` judges what there is and is pure, `cleaning` collects and removes. A home, what runs,
and what another checkout marked is never among it.
"""

from jhub_docker.clean.cleaning import clean
from jhub_docker.clean.leftovers import KINDS

__all__ = ["KINDS", "clean"]
