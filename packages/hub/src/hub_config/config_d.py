"""The way out: an operator's own `config.d/*.py` in the data volume, loaded last in name order.

They are Python with JupyterHub's `c`, as in The Littlest JupyterHub and Zero to JupyterHub, for
what no setting is there for. They run in the hub. What the filter before the engine enforces they
cannot loosen: it is another container, and reads nothing of the hub's volume.
"""

import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from traitlets.config import Config
from traitlets.log import get_logger

from hub_config import concerns
from hub_config.errors import SettingsError
from hub_config.first_start import Places, make_secrets
from hub_config.settings import Settings


def files(folder: Path) -> list[Path]:
    """The files, in the order in which they are loaded."""
    # Hidden ones are an editor's locks and a Mac's notes, here as in The Littlest JupyterHub.
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("."))


def load(c: Config, folder: Path) -> list[Path]:
    """Run them on `c`; returns which. Raises SettingsError with file and line of one that fails."""
    found = files(folder)
    settled = c.UserContainerSpawner.get("enforced")
    for path in found:
        try:
            code = compile(path.read_bytes(), str(path), "exec")
            exec(code, {"c": c, "get_config": lambda: c, "__file__": str(path)})  # noqa: S102
        except (Exception, SystemExit) as error:
            raise SettingsError(_told(path, error)) from None
        if c.UserContainerSpawner.get("enforced") != settled:
            raise SettingsError(
                f"{path} changes UserContainerSpawner.enforced, which the filter would refuse at "
                "every start; set the variables of those settings instead"
            )
    return found


def _told(path: Path, error: BaseException) -> str:
    """One sentence: file, line, what is wrong."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line, message = error.lineno, f"SyntaxError: {error.msg}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((one.lineno for one in reversed(frames) if one.filename == str(path)), None)
        message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    where = f"{path}, line {line}" if line else str(path)
    return f"{where}: {message} (it is loaded last, as Python with JupyterHub's `c`)"


def load_or_end(c: Config, folder: Path) -> None:
    """For JupyterHub's start: name them in its log, or end the program with the one sentence."""
    try:
        for path in load(c, folder):
            get_logger().info("Loaded last, after all settings: %s", path)
    except SettingsError as error:
        print(f"Wrong settings:\n{error}", file=sys.stderr)
        sys.exit(2)


def check(settings: Settings, folder: Path) -> list[Path]:
    """Run them as a start would, on a configuration that is thrown away; returns which.

    Raises SettingsError as `load` does.
    """
    if not files(folder):
        return []
    with TemporaryDirectory() as made_up:
        places = Places(Path(made_up), Path(made_up))
        make_secrets(places)
        c = Config()
        concerns.apply(c, settings, places)
        return load(c, folder)
