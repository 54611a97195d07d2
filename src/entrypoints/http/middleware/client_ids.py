"""The client's own ids of its conversation and its agents, from the headers of its request."""

import re
from collections.abc import Mapping

from modegate.domain.request_record import RequestRecord

# By header, the fields of the record; of two headers for one field, the first counts.
FIELDS = (
    (b"session-id", "conversation"),
    (b"x-claude-code-session-id", "conversation"),
    (b"x-claude-code-agent-id", "agent"),
    (b"x-claude-code-parent-agent-id", "parent_agent"),
    (b"x-openai-subagent", "subagent"),
)
CLIENT_IDS = frozenset(name for name, _ in FIELDS)
MAX_BYTES = 128
VISIBLE = re.compile(rb"[!-~]+")


def record_client_ids(record: RequestRecord, headers: Mapping[bytes, bytes]) -> None:
    """Records the ids; long ones are cut, and those with other than visible ASCII are left out."""
    for name, field in FIELDS:
        value = headers.get(name, b"").strip()
        if getattr(record, field) is None and VISIBLE.fullmatch(value):
            setattr(record, field, value[:MAX_BYTES].decode("ascii"))
