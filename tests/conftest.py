"""Fixtures for all tests."""

from pathlib import Path

import pytest

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def captures() -> Path:
    """The folder with recorded output of the real CLI, version 2.1.329."""
    return CAPTURES
