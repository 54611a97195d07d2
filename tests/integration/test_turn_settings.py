"""With the real CLI: each turn has its own effort, limit and stops, on every kind of process."""

from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import until

from modegate.adapters.claude_cli.process import cli_process
from modegate.adapters.claude_cli.protocol.turn_settings import LIMIT
from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

SESSION = "X-Claude-Session-ID"
IGNORED = "X-Claude-Ignored-Params"
CUT = Says("one two", stop="max_tokens")


def capacity(gateway: Gateway) -> Any:
    return gateway.container.claude_cli().status().capacity


def asked(provider: SimulatedProvider) -> tuple[object, ...]:
    """Returns the effort, the limit, the stops, and whether the model may reason."""
    body: dict[str, Any] = provider.requests[-1].json
    effort = body["output_config"]["effort"]
    return effort, body["max_tokens"], body.get("stop_sequences"), "thinking" in body


async def turn(gateway: Gateway, session: str | None = None, **params: Any) -> str:
    """Has a turn that is answered as a whole, and returns its session once its process is idle."""
    response = await gateway.claude(headers={SESSION: session} if session else None, **params)
    assert response.status_code == 200, response.text
    assert IGNORED not in response.headers
    await until(lambda: capacity(gateway).active == 0)
    return str(response.headers[SESSION])


async def test_a_live_process_has_the_settings_of_each_turn(
    both: Gateway, provider: SimulatedProvider
) -> None:
    session = await turn(both)
    usual = asked(provider)
    for params, expected in (
        (
            {"reasoning_effort": "max", "max_tokens": 5000, "stop": ["END", "\n\nUser:"]},
            ("max", 5000, ["END", "\n\nUser:"], True),
        ),
        ({"reasoning_effort": "low"}, ("low", usual[1], None, True)),
        ({"reasoning_effort": "none"}, (usual[0], usual[1], None, False)),
        ({"max_completion_tokens": 1}, (usual[0], 1, None, False)),
        ({"max_completion_tokens": 2**40}, usual),
        ({}, usual),
    ):
        await turn(both, session, **params)
        assert asked(provider) == expected
    assert capacity(both).live == 1, "all on one process"


@pytest.mark.parametrize(
    "settings", [{"claude_warm_processes": 1}, {"claude_live_sessions": 0}], ids=str
)
async def test_prewarmed_and_resumed_processes_have_the_settings_of_their_turn(
    settings: dict[str, int],
    gateway: GatewayFactory,
    provider: SimulatedProvider,
    environment: dict[str, str],
) -> None:
    environment[LIMIT] = "4000"
    async with gateway(**settings, claude_env_allow=(LIMIT,)) as running:
        session = await turn(running, reasoning_effort="high")
        assert asked(provider)[:3] == ("high", 4000, None)
        if settings.get("claude_warm_processes"):
            await until(lambda: capacity(running).warm == 1)
            session = await turn(running, reasoning_effort="xhigh", max_tokens=2000, stop="END")
            assert asked(provider) == ("xhigh", 2000, ["END"], True)
            assert capacity(running).live == 2
        await turn(running, session)
        assert asked(provider) == ("medium", 4000, None, True)


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_clients_limit_ends_the_answer_and_leaves_the_conversation_clean(
    streamed: bool,
    both: Gateway,
    provider: SimulatedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli_process, "INTERRUPT_TIMEOUT_S", 30.0)
    monkeypatch.setattr(cli_process, "REWIND_TIMEOUT_S", 30.0)
    provider.script(CUT, Says("What the CLI asks for by itself.", delay=0.2))
    cut = await both.claude("Count.", max_tokens=5, stream=streamed)
    assert cut.status_code == 200
    assert '"finish_reason":"length"' in cut.text
    assert "CLI" not in cut.text
    if not streamed:
        assert cut.json()["choices"][0]["message"]["content"] == "one two"
        assert cut.json()["usage"]["completion_tokens"] == len(CUT.words)
    await until(lambda: capacity(both).live == 1)
    provider.clear()
    await turn(both, cut.headers[SESSION], text="And now?")
    said = str(provider.requests[-1].json["messages"])
    assert ("one two" in said, "Count." in said) == (True, True)
    assert not [it for it in ("limit hit", "interrupted", "by itself") if it in said]


async def test_a_limit_that_leaves_no_room_for_text_gives_an_empty_answer(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("", stop="max_tokens"))
    choice = (await both.claude(max_tokens=1)).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")


async def test_a_stop_sequence_ends_the_answer(both: Gateway, provider: SimulatedProvider) -> None:
    provider.script(Says("Until ", stop="stop_sequence"))
    choice = (await both.claude(stop="END")).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Until ", "stop")
    blank = await both.claude(stop="\n")
    assert blank.headers[IGNORED] == "stop"
    assert "stop_sequences" not in provider.requests[-1].json
