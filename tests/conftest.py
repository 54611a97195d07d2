"""Fixtures for all tests."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast the machine is says nothing about the code.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

CAPTURES = Path(__file__).parent / "captures"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def captures() -> Path:
    """The folder with recorded output of the real CLI, version 2.1.329."""
    return CAPTURES
