"""What a process is told on standard input, a line of JSON each, and how it answers.

JSON on standard input, where length, leading hyphens and NUL do no harm. Measured on 2.1.329.
"""

import json

from modegate.adapters.claude_cli.protocol.events import Event, child, text

INITIALIZE, INTERRUPT, REWIND = "initialize", "interrupt", "rewind"


def initialize(system: str) -> bytes:
    """Set the system prompt; counts the first time only."""
    return _request(INITIALIZE, subtype="initialize", systemPrompt=system)


def user(prompt: str, message_id: str) -> bytes:
    """Begin a turn; `message_id` is a UUID, by which it can be undone."""
    return _line(
        type="user",
        uuid=message_id,
        message={"role": "user", "content": as_plain_text(prompt)},
        parent_tool_use_id=None,
        session_id="default",
    )


def interrupt() -> bytes:
    """Stop the turn that runs; its `result` follows."""
    return _request(INTERRUPT, subtype="interrupt")


def rewind(message_id: str) -> bytes:
    """Forget the turn that began with this message; only once it has ended."""
    return _request(REWIND, subtype="rewind_conversation", target_message_uuid=message_id)


def begins(event: Event, message_id: str) -> bool:
    """Whether the event says that the turn of this message has begun."""
    return (
        event.get("type") == "command_lifecycle"
        and event.get("command_uuid") == message_id
        and event.get("state") == "started"
    )


def refuses(event: Event, request: str) -> bool:
    """Whether the event says that a request has failed."""
    response = child(event, "response")
    return _answers(event, request) and text(response, "subtype") == "error"


def has_rewound(event: Event) -> bool | None:
    """Whether the turn is forgotten; None from an event that does not say."""
    if not _answers(event, REWIND):
        return None
    return child(child(event, "response"), "response").get("rewound") is True


def as_plain_text(text: str) -> str:
    """`text`, with a newline before it where the CLI would run it as one of its own commands.

    Measured on 2.1.329: `/cost` at the very start is a command whatever the options say; behind any
    white space it is text.
    """
    return f"\n{text}" if text.startswith("/") else text


def _answers(event: Event, request: str) -> bool:
    return (
        event.get("type") == "control_response"
        and text(child(event, "response"), "request_id") == request
    )


def _request(name: str, **request: object) -> bytes:
    return _line(type="control_request", request_id=name, request=request)


def _line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"
