"""The command of this installation, for use in printed advice."""

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "modegate"


def command_name() -> str:
    """Returns the shell command: `modegate` if the PATH finds this installation, else its path.

    Without a script beside the interpreter, the command is `python -m modegate`.
    """
    beside = Path(sys.executable).parent / NAME
    if not beside.is_file():
        return f"{shlex.quote(sys.executable)} -m {NAME}"
    found = shutil.which(NAME)
    if found and os.path.samefile(found, beside):  # noqa: PTH121 - `which` gives text
        return NAME
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
