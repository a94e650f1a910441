"""What pip does not know of these environments. Loaded by their `image.pth`, since `pip`,
`python -m pip` and `%pip` have nothing else in common.

`pip install --user`, as many instructions have it: what one adds is one's own here anyway, and pip
refuses it in an environment that does not see the interpreter's other packages. `pip uninstall` of
what comes with the image would say that it is gone, or end with a traceback.
"""

import sys

PROGRAMS = {"pip", "pip3", f"pip3.{sys.version_info.minor}"}

_, *given = sys.orig_argv
if given[:2] == ["-m", "pip"] or (given and given[0].rpartition("/")[2] in PROGRAMS):
    if "--user" in given:
        sys.argv[:] = [word for word in sys.argv if word != "--user"]
    if "uninstall" in given:
        import os
        from pathlib import Path

        sys.path.insert(0, str(Path(__file__).parents[2]))
        from jhub_packages.environment import Image, Own
        from jhub_packages.kept import complaint

        del sys.path[0]
        if told := complaint(given, Own(Path(sys.prefix), Image.read())):
            print(f"ERROR: {told}", file=sys.stderr, flush=True)
            os._exit(1)  # an exception here would be one of Python's start
