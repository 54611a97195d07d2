import pytest

from modegate.adapters.claude_cli.protocol.continuation import Continuation
from modegate.adapters.claude_cli.protocol.events import Event


def ended(reason: str) -> Event:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}}
    return {"type": "stream_event", "event": delta}


def own(message_id: str) -> Event:
    return {"type": "user", "uuid": message_id, "isSynthetic": True}


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([ended("max_tokens"), own("1"), own("interrupted")], "1"),
        ([ended("max_tokens"), own("1"), ended("end_turn")], None),
        ([ended("max_tokens"), own("1"), ended("max_tokens"), own("2")], "2"),
        ([ended("end_turn"), own("1")], None),
        ([ended("max_tokens"), {"type": "user", "uuid": "result of a tool"}], None),
        ([own("1")], None),
    ],
)
def test_only_the_clis_message_behind_a_cut_is_found(
    events: list[Event], found: str | None
) -> None:
    continuation = Continuation()
    for event in events:
        continuation.note(event)
    assert continuation.message_id == found


def test_the_first_message_stays_where_the_answer_ends_at_the_first_cut() -> None:
    continuation = Continuation(of_first_cut=True)
    for event in (ended("max_tokens"), own("1"), ended("end_turn"), own("2")):
        continuation.note(event)
    assert continuation.message_id == "1"
