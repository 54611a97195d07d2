"""The client's own ids in headers."""

from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.client_ids import record_client_ids


def test_each_header_has_its_field_and_the_first_of_two_counts() -> None:
    record = RequestRecord()
    headers = {
        b"x-claude-code-session-id": b"second",
        b"session-id": b" first ",
        b"x-claude-code-agent-id": b"agent",
        b"x-claude-code-parent-agent-id": b"parent",
        b"x-openai-subagent": b"review",
    }
    record_client_ids(record, headers)
    found = (record.conversation, record.agent, record.parent_agent, record.subagent)
    assert found == ("first", "agent", "parent", "review")


def test_ids_are_short_visible_ascii() -> None:
    for value in (b"", b" ", b"a b", b"\xe9", b"a\x00"):
        record = RequestRecord()
        record_client_ids(record, {b"session-id": value, b"x-claude-code-session-id": b"next"})
        assert record.conversation == "next"
    record_client_ids(record := RequestRecord(), {b"x-openai-subagent": b"x" * 1000})
    assert record.subagent == "x" * 128
