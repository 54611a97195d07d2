"""`modegate usage export` and `import`: JSON lines of the ledger in the state folder.

They work on the ledger itself: also while no gateway runs, and without moving it through the API.
A gateway may run meanwhile, as the ledger is shared between processes.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from modegate.application.usage.transfer import DamagedLineError
from modegate.domain.errors import GatewayError
from modegate.entrypoints.bootstrap.container import live_container
from modegate.entrypoints.bootstrap.postgres_adapters import ledger_fault
from modegate.entrypoints.cli.wording import OPERATOR
from modegate.entrypoints.config.settings import Settings

STANDARD = "-"


async def run_export(settings: Settings, file: str) -> int:
    """Writes all rows to the file, and returns the exit status. A file is complete or unchanged."""
    if fault := ledger_fault(settings):
        return _fail(fault)
    try:
        with _target(file) as lines:
            async with live_container(settings) as container:
                async for part in container.export_usage().execute():
                    lines.write(part)
    except GatewayError as error:
        return _fail(error.explain(OPERATOR))
    except OSError as error:
        if file == STANDARD:
            raise
        return _fail(f"{file} cannot be written: {error.strerror}")
    return 0


async def run_import(settings: Settings, file: str) -> int:
    """Adds the rows of the file to the ledger, and returns the exit status."""
    if fault := ledger_fault(settings):
        return _fail(fault)
    try:
        with _source(file) as lines:

            def read() -> Iterator[bytes]:
                lines.seek(0)
                return iter(lines)

            async with live_container(settings) as container:
                number, new = await container.import_usage().execute(read)
    except DamagedLineError as error:
        return _fail(f"nothing was imported: {error}")
    except GatewayError as error:
        return _fail(error.explain(OPERATOR))
    except OSError as error:
        return _fail(f"{file} cannot be read: {error.strerror}")
    print(f"{new} of {number} requests imported, the others were there")
    return 0


@contextmanager
def _target(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.exists() and not path.is_file():  # a pipe
        with path.open("wb") as lines:
            yield lines
        return
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as lines:
            yield lines
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    """Opens a file that can be read twice; standard input is copied."""
    if file != STANDARD:
        with Path(file).open("rb") as lines:
            yield lines
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        yield copy


def _fail(message: str) -> int:
    print(f"modegate: {message}", file=sys.stderr)
    return 1
