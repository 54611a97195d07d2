"""Requests made in this process."""

from typing import Any

import pytest

from modegate.domain.inbound_request import InboundRequest
from modegate.domain.routing.mode import Mode, ModeDecision


@pytest.mark.parametrize("mode", ["claude-code", "CLAUDE_CODE", "true", None, True])
def test_a_mode_that_is_no_mode_is_a_clear_error(mode: Any) -> None:
    with pytest.raises(TypeError, match=r"mode must be Mode\.CLAUDE_CODE or Mode\.PASSTHROUGH"):
        InboundRequest.of({}, mode)


@pytest.mark.parametrize("params", [[{"model": "sonnet"}], "{}", b"{}", None])
def test_params_that_are_no_mapping_are_a_clear_error(params: Any) -> None:
    with pytest.raises(TypeError, match="params must be a mapping"):
        InboundRequest.of(params, Mode.CLAUDE_CODE)


async def read(request: InboundRequest) -> tuple[bytes, object]:
    body = await request.read()
    return body.content, body.params


@pytest.mark.anyio
async def test_a_request_has_its_decision_and_its_body() -> None:
    request = InboundRequest.of({"model": "sonnet"}, Mode.CLAUDE_CODE, "id")
    assert request.decision == ModeDecision(Mode.CLAUDE_CODE, "id")
    assert await read(request) == (b'{"model": "sonnet"}', {"model": "sonnet"})
