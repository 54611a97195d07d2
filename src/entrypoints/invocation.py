"""How somebody calls this installation, as the advice that it prints has to say it."""

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "modegate"


def program() -> str:
    """The command, ready for a shell: `modegate` where that is this installation, else its path."""
    beside = Path(sys.executable).parent / NAME
    if not beside.is_file():
        return f"{shlex.quote(sys.executable)} -m {NAME}"
    found = shutil.which(NAME)
    if found and os.path.samefile(found, beside):  # noqa: PTH121 - `which` gives text
        return NAME
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
