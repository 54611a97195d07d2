"""The MCP server of the client's tools, without I/O.

The CLI asks it over its control protocol: `mcp_message` requests on standard output, answered on
standard input (measured on 2.1.329). It asks for the tools when it has loaded, which may be before
they are known.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from modegate.adapters.claude_cli.tools.offered_tools import SERVER, OfferedTools
from modegate.domain.conversation.message import Message

Event = Mapping[str, object]

MCP_CONFIG = json.dumps({"mcpServers": {SERVER: {"type": "sdk", "name": SERVER}}})
# An empty result would become a text of the CLI that names the tool with our prefix.
NO_OUTPUT = "(no output)"
DECLINED = "The user sent a new message instead of this tool's result."
NOT_HERE = "Only the main conversation can use this tool."


class ToolServer:
    """Lists the tools of one process, and holds calls until their results are there.

    Calls whose ids are not those of the model's own answer, such as a subagent's, are declined.
    """

    def __init__(self, content_of: Callable[[Message], Sequence[Event]]) -> None:
        self._content_of = content_of  # MCP's content of a result
        self.offered: OfferedTools | None = None
        self.has_listed = False  # whether the CLI has got a list, perhaps an empty one
        self._made: set[str] = set()  # ids of the calls in the model's own answers
        self._asked: dict[str, Event] = {}  # requests without an answer, by the call's id
        self._results: dict[str, Event] = {}  # results that the CLI has not asked for yet

    def replies(self, event: Event) -> bytes:
        """Returns what to write because of an event; usually nothing."""
        self._note_calls(event)
        message = _mcp_message(event)
        if message is None:
            return b""
        params = _child(message, "params")
        match message.get("method"):
            case "initialize":
                result: Event = {
                    "protocolVersion": params.get("protocolVersion"),
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": SERVER, "version": "1"},
                }
            case "tools/list":
                self.has_listed = True
                result = {"tools": [] if self.offered is None else self.offered.listing()}
            case "tools/call":
                return self._called(event, str(_child(params, "_meta").get("claudecode/toolUseId")))
            case _:  # notifications
                result = {}
        return _reply(event, result)

    def answer(self, results: Sequence[Message]) -> bytes:
        """Returns the answers of the calls, each result a message with the call's id."""
        return b"".join(self._answered(str(it.call_id), self._result(it)) for it in results)

    def decline(self, call_ids: Sequence[str]) -> bytes:
        """Returns the answers of calls that get no result."""
        return b"".join(self._answered(it, _text(DECLINED, is_error=True)) for it in call_ids)

    def begin_turn(self) -> None:
        """Forgets the calls of earlier turns."""
        self._made.clear()
        self._asked.clear()
        self._results.clear()

    def _result(self, message: Message) -> Event:
        is_empty = not (message.text.strip() or message.has_media)
        if is_empty:
            return _text(NO_OUTPUT, is_error=message.is_error)
        return _with_content(self._content_of(message), is_error=message.is_error)

    def _answered(self, call_id: str, result: Event) -> bytes:
        asked = self._asked.pop(call_id, None)
        if asked is None:  # without the hint `readOnly`, the CLI asks for one after the other
            self._results[call_id] = result
            return b""
        return _reply(asked, result)

    def _called(self, event: Event, call_id: str) -> bytes:
        if call_id not in self._made:
            return _reply(event, _text(NOT_HERE, is_error=True))
        if (result := self._results.pop(call_id, None)) is not None:
            return _reply(event, result)
        self._asked[call_id] = event
        return b""

    def _note_calls(self, event: Event) -> None:
        if event.get("parent_tool_use_id") is not None:
            return
        match event.get("type"):
            case "stream_event":
                self._note(_child(_child(event, "event"), "content_block"))
            case "assistant":
                for block in _blocks(_child(event, "message")):
                    self._note(block)

    def _note(self, block: Event) -> None:
        if block.get("type") == "tool_use":
            self._made.add(str(block.get("id")))


def is_request(event: Event) -> bool:
    """Returns whether the CLI asks the gateway; such events are no part of an answer."""
    return event.get("type") == "control_request"


def _mcp_message(event: Event) -> Event | None:
    request = _child(event, "request")
    if not is_request(event) or request.get("subtype") != "mcp_message":
        return None
    return _child(request, "message")


def _text(text: str, *, is_error: bool) -> Event:
    return _with_content([{"type": "text", "text": text}], is_error=is_error)


def _with_content(content: Sequence[Event], *, is_error: bool) -> Event:
    return {"content": content, "isError": True} if is_error else {"content": content}


def _reply(event: Event, result: Event) -> bytes:
    message = _mcp_message(event) or {}
    answer = {"jsonrpc": "2.0", "id": message.get("id", 0), "result": result}
    response = {
        "subtype": "success",
        "request_id": event.get("request_id"),
        "response": {"mcp_response": answer},
    }
    return json.dumps({"type": "control_response", "response": response}).encode() + b"\n"


def _child(event: Event, name: str) -> Event:
    value = event.get(name)
    return value if isinstance(value, Mapping) else {}


def _blocks(message: Event) -> Iterator[Event]:
    content = message.get("content")
    for block in content if isinstance(content, list) else ():
        if isinstance(block, Mapping):
            yield block
