"""Messages to a process, one JSON line each on standard input, and the checks of its replies.

On standard input, length, leading hyphens and NUL are harmless. Measured on 2.1.329.
"""

import json
from collections.abc import Mapping, Sequence

from modegate.adapters.claude_cli.content import content_of
from modegate.adapters.claude_cli.protocol.events import Event, child, text
from modegate.domain.conversation.message import Message

INITIALIZE, SETTINGS, INTERRUPT, REWIND = "initialize", "settings", "interrupt", "rewind"
SET_SERVERS = "set_servers"


def initialize(system: str, schema: str | None = None) -> bytes:
    """Returns the request that sets the system prompt, and the JSON Schema of each answer, if any.

    The CLI applies only the first one.
    """
    structured = {} if schema is None else {"jsonSchema": json.loads(schema)}
    return _request(INITIALIZE, subtype="initialize", systemPrompt=system, **structured)


def apply_settings(settings: Mapping[str, object]) -> bytes:
    """Returns the request that changes settings for all later turns of the process."""
    return _request(SETTINGS, subtype="apply_flag_settings", settings=settings)


def user(said: Sequence[Message], message_id: str) -> bytes:
    """Returns the message that starts a turn; `rewind` takes the same `message_id`, a UUID."""
    return _line(
        type="user",
        uuid=message_id,
        message={"role": "user", "content": content_of(said)},
        parent_tool_use_id=None,
        session_id="default",
    )


def set_servers(*names: str) -> bytes:
    """Returns the request that replaces the MCP servers; those named are asked for their tools.

    The tools of a server stay until a turn has begun without it.
    """
    servers = {name: {"type": "sdk", "name": name} for name in names}
    return _request(SET_SERVERS, subtype="mcp_set_servers", servers=servers)


def interrupt() -> bytes:
    """Returns the request that interrupts the running turn; its `result` event follows."""
    return _request(INTERRUPT, subtype="interrupt")


def rewind(message_id: str) -> bytes:
    """Returns the request that removes the turn of this message; valid once the turn has ended."""
    return _request(REWIND, subtype="rewind_conversation", target_message_uuid=message_id)


def begins(event: Event, message_id: str) -> bool:
    """Returns whether the event reports the start of this message's turn.

    Without a message, the CLI goes on by itself with a conversation that ends with results.
    """
    return (
        event.get("type") == "command_lifecycle"
        and (event.get("command_uuid") == message_id or not message_id)
        and event.get("state") == "started"
    )


def refuses(event: Event, request: str) -> bool:
    """Returns whether the event reports that a request has failed."""
    response = child(event, "response")
    return _answers(event, request) and text(response, "subtype") == "error"


def accepts(event: Event, request: str) -> bool | None:
    """Returns whether a request has succeeded; None if the event is not the reply."""
    return not refuses(event, request) if _answers(event, request) else None


def has_rewound(event: Event) -> bool | None:
    """Returns whether the turn was removed; None if the event is not the reply."""
    if not _answers(event, REWIND):
        return None
    return child(child(event, "response"), "response").get("rewound") is True


def _answers(event: Event, request: str) -> bool:
    return (
        event.get("type") == "control_response"
        and text(child(event, "response"), "request_id") == request
    )


def _request(name: str, **request: object) -> bytes:
    return _line(type="control_request", request_id=name, request=request)


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"
