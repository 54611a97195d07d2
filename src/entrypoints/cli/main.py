"""The entry point of the command line."""

import errno
import io
import os
import sys
from collections.abc import Sequence

from modegate.entrypoints.cli.arguments import parse_arguments
from modegate.entrypoints.cli.dispatch import run_command

FAILURE = 1
INTERRUPTED = 130
BROKEN_PIPE = 141
# Errors that only writes to standard output raise.
OUTPUT_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status, as listed by `--help`."""
    _open_standard_files()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal encoding has all characters
    try:
        try:
            return run_command(parse_arguments(arguments))
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in OUTPUT_ERRORS:
            raise
        _discard_output()
        print(f"modegate: the output cannot be written: {error.strerror}", file=sys.stderr)
        return FAILURE


def _open_standard_files() -> None:
    """Opens closed standard files, so that no socket or database gets their descriptors."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - of a descriptor, for good


def _discard_output() -> None:
    """Discards buffered output, which would fail again at interpreter exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
