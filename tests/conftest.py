"""What all tests share."""

from pathlib import Path

import pytest

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def captures() -> Path:
    """What the real CLI printed, version 2.1.329."""
    return CAPTURES
