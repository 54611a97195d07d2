"""The MCP server of the client's tools, over the control protocol."""

import json
from typing import Any

from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.tools.tool_server import ToolServer
from modegate.domain.conversation.message import Message, Role, text_message
from modegate.domain.tools.client_tool import ClientTool, ToolOffer


def content_of(message: Message) -> list[dict[str, object]]:
    return [{"type": "text", "text": message.text}]


def asked(method: str, **params: object) -> dict[str, object]:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    request = {"subtype": "mcp_message", "server_name": "client", "message": message}
    return {"type": "control_request", "request_id": "r", "request": request}


def call(call_id: str) -> dict[str, object]:
    return asked("tools/call", name="f", _meta={"claudecode/toolUseId": call_id})


def made(call_id: str, parent: str | None = None) -> dict[str, object]:
    block = {"type": "tool_use", "id": call_id, "name": "mcp__client__f"}
    return {
        "type": "stream_event",
        "parent_tool_use_id": parent,
        "event": {"type": "content_block_start", "content_block": block},
    }


def answer(data: bytes) -> Any:
    response = json.loads(data)["response"]
    assert response["request_id"] == "r"
    assert response["response"]["mcp_response"]["id"] == 7
    return response["response"]["mcp_response"]["result"]


def result(call_id: str, text: str) -> Message:
    found = text_message(Role.TOOL, text)
    return Message(found.role, found.parts, call_id=call_id)


def test_the_list_is_empty_until_tools_are_offered() -> None:
    server = ToolServer(content_of)
    assert (
        answer(server.replies(asked("initialize", protocolVersion="x")))["protocolVersion"] == "x"
    )
    assert answer(server.replies(asked("tools/list"))) == {"tools": []}
    server.offered = OfferedTools(ToolOffer((ClientTool("f"),)))
    assert [it["name"] for it in answer(server.replies(asked("tools/list")))["tools"]] == ["f"]


def test_a_call_waits_for_its_result_and_a_result_for_its_call() -> None:
    server = ToolServer(content_of)
    assert server.replies(made("a")) + server.replies(made("b")) == b""
    assert server.replies(call("a")) == b""
    first = server.answer([result("b", "two"), result("a", "one")])
    assert answer(first) == {"content": [{"type": "text", "text": "one"}]}
    assert answer(server.replies(call("b"))) == {"content": [{"type": "text", "text": "two"}]}
    assert server.answer([result("b", "again")]) == b""


def test_declined_calls_and_empty_results_have_a_text() -> None:
    server = ToolServer(content_of)
    for call_id in "ab":
        server.replies(made(call_id))
        server.replies(call(call_id))
    assert answer(server.decline(["a"]))["isError"]
    assert answer(server.answer([result("b", " ")]))["content"][0]["text"] == "(no output)"


def test_calls_that_the_model_itself_did_not_make_are_declined_at_once() -> None:
    server = ToolServer(content_of)
    server.replies(made("a", parent="toolu_of_a_subagent"))
    assert answer(server.replies(call("a")))["isError"]
    server.replies(made("b"))
    server.begin_turn()
    assert answer(server.replies(call("b")))["isError"]
