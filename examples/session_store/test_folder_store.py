"""Tests the store with the contract suite of its port.

pip install 'modegate[testing]'
pytest test_folder_store.py
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from folder_store import FolderSessionStore

from modegate.testing.contracts.session_store import SessionStoreContract


class TestFolderSessionStore(SessionStoreContract):
    """Runs every test of the suite with a new folder."""

    @asynccontextmanager
    async def store(self) -> AsyncIterator[FolderSessionStore]:
        with tempfile.TemporaryDirectory() as folder:
            yield FolderSessionStore(Path(folder))
