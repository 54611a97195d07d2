"""The mode of calls of the Python API."""

from typing import Any

import pytest

from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.gateway import Gateway
from modegate.entrypoints.gateway.requests import ChatArguments, choose_mode

CLAUDE, PASSTHROUGH = Mode.CLAUDE_CODE, Mode.PASSTHROUGH
SESSION = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"
NAMED = "claude-code/haiku"


@pytest.mark.parametrize(
    ("mode", "session", "model", "default", "chosen"),
    [
        (None, None, "haiku", PASSTHROUGH, PASSTHROUGH),
        (None, None, "haiku", CLAUDE, CLAUDE),
        (None, None, NAMED, PASSTHROUGH, CLAUDE),
        (None, SESSION, "haiku", PASSTHROUGH, CLAUDE),
        ("openai-passthrough", SESSION, NAMED, CLAUDE, PASSTHROUGH),
        ("claude-code", None, None, PASSTHROUGH, CLAUDE),
    ],
)
def test_a_call_has_its_own_mode_or_that_of_its_session_model_or_gateway(
    mode: str | None, session: str | None, model: str | None, default: Mode, chosen: Mode
) -> None:
    assert choose_mode(mode, session, model, default) is chosen


async def test_the_model_may_be_in_the_parameters_and_is_default_in_claude_code() -> None:
    def arguments(messages: Any, model: str | None = None) -> ChatArguments:
        return ChatArguments(messages=messages, model=model, mode=None, session=None)

    in_params = arguments({"model": NAMED, "messages": []}).request(PASSTHROUGH, stream=False)
    assert in_params.decision == ModeDecision(CLAUDE)
    without = arguments("Hi").request(CLAUDE, stream=False)
    assert (await without.read()).params["model"] == "default"
    relayed = arguments("Hi").request(PASSTHROUGH, stream=False)
    assert "model" not in (await relayed.read()).params
    assert not relayed.decision.by_default  # nothing is left to decide


def test_the_default_of_a_gateway_is_that_of_its_settings() -> None:
    settings = Settings(default_mode="claude-code")
    sessions = {
        Gateway(settings).session(): CLAUDE,
        Gateway(settings, mode="openai-passthrough").session(): PASSTHROUGH,
        Gateway().session(): PASSTHROUGH,
        Gateway().session(model=NAMED): CLAUDE,
    }
    assert {it: it._mode for it in sessions} == sessions  # noqa: SLF001
