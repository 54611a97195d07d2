import pytest

from modegate.domain.access.client import ANONYMOUS, ClientId
from modegate.domain.errors import Input, InvalidSessionIdError
from modegate.domain.session import Session, SessionId, SessionPolicy, parse_session_id

ID = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")


def test_a_session_id_is_a_version_4_uuid_in_any_case() -> None:
    assert parse_session_id(ID.upper()) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        "3c747b94-e5a7-11f1-baa9-02fc00000001",
        "00000000-0000-0000-0000-000000000000",
        "--resume",
    ],
)
def test_malformed_session_ids_are_rejected(text: str) -> None:
    with pytest.raises(InvalidSessionIdError) as caught:
        parse_session_id(text)
    assert caught.value.param is Input.SESSION_ID


def test_a_session_adopts_the_cli_session_id_and_keeps_its_own() -> None:
    session = Session.start(ID, ANONYMOUS.id, 10.0)
    assert session.cli_session_id == ID
    moved = session.touched(20.0, "other")
    assert (moved.id, moved.cli_session_id, moved.used_at, moved.created_at) == (
        ID,
        "other",
        20.0,
        10.0,
    )
    assert moved.touched(30.0, None).cli_session_id == "other"


def test_a_turn_without_a_system_prompt_keeps_the_last_one() -> None:
    session = Session.start(ID, ClientId("c"), 0.0).with_system_prompt("be brief")
    assert session.with_system_prompt("").system_prompt == "be brief"
    assert session.with_system_prompt("be long").system_prompt == "be long"
    assert "be brief" not in repr(session)


@pytest.mark.parametrize(
    ("used_at", "now", "expired"),
    [(0, 9.9, False), (0, 10, True), (15, 19.9, False), (15, 20, True)],
)
def test_a_session_expires_when_idle_too_long_or_too_old(
    used_at: float, now: float, expired: bool
) -> None:
    session = Session.start(ID, ANONYMOUS.id, 0.0).touched(used_at, None)
    assert SessionPolicy(idle=10, age=20).expired(session, now) is expired


def test_only_an_acknowledged_turn_is_counted_and_names_its_transcript() -> None:
    session = Session.start(ID, ANONYMOUS.id, 0.0)
    assert (session.turns, session.transcript) == (0, "")
    once = session.touched(1.0, None).acknowledged(2.0, "other", "a")
    assert (once.turns, once.transcript, once.used_at, once.cli_session_id) == (
        1,
        "a",
        2.0,
        "other",
    )
    twice = once.acknowledged(3.0, None, "b")
    assert (twice.touched(4.0, None).turns, twice.transcript) == (2, "b")


def test_a_turn_that_is_not_stored_leaves_no_older_transcript_behind() -> None:
    session = Session.start(ID, ANONYMOUS.id, 0.0).acknowledged(1.0, None, "a")
    assert session.acknowledged(2.0, None).transcript == ""
