"""`pip install --user`, as many instructions have it: what one adds is one's own here anyway.

pip refuses it in an environment that does not see the interpreter's other packages. Loaded by the
environment's `image.pth`, since `pip`, `python -m pip` and `%pip` have nothing else in common.
"""

import sys

_, *given = sys.orig_argv
if "--user" in given and (
    given[:2] == ["-m", "pip"]
    or given[0].rpartition("/")[2] in {"pip", "pip3", f"pip3.{sys.version_info.minor}"}
):
    sys.argv[:] = [word for word in sys.argv if word != "--user"]
