"""Both event loops: the client depends on details of their transports."""

import pytest
from support.http_client import LOOP_NAMES, LOOPS


@pytest.fixture(params=LOOPS, ids=LOOP_NAMES)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param
