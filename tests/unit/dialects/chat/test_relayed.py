from typing import Any

import pytest

from modegate.dialects.chat.relayed import relayed_body
from modegate.dialects.json import parse_json_object
from modegate.domain.errors import InvalidRequestError
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.route import RelayRoute
from modegate.domain.routing.upstream import Upstream

CALLS = b'[{"role":"assistant","tool_calls":[{"id":"%b"}]},{"role":"tool","tool_call_id":"%b"%b}]'
SPACED = (CALLS % (b"a", b"a", b"")).replace(b",", b" ,")
BODY = b' { "model":"m" ,"messages" : %b, "n": 1.0e0 }\n'


def relayed(messages: bytes, **upstream: Any) -> bytes:
    content = BODY % messages
    route = RelayRoute(Upstream(name="x", base_url="http://x", **upstream))
    return relayed_body(ChatBody(content, parse_json_object(content)), route)


def test_invalid_ids_of_tool_calls_are_repaired_and_all_else_keeps_its_bytes() -> None:
    sent, made = CALLS % (b"", b"", b""), CALLS % (b"call_0_0", b"call_0_0", b"")
    assert relayed(sent, repair_tool_ids=True) == BODY % made
    assert relayed(sent) == BODY % sent


@pytest.mark.parametrize("messages", [SPACED, b"[]", b"3"])
def test_messages_that_need_no_repair_keep_their_bytes(messages: bytes) -> None:
    assert relayed(messages, repair_tool_ids=True) == BODY % messages


@pytest.mark.parametrize("text", ["\u00e9\u2028", "\\ud800"])
def test_a_repaired_body_keeps_every_character(text: str) -> None:
    sent = CALLS % (b"", b"", b',"content":"%b"' % text.encode())
    repaired: Any = parse_json_object(relayed(sent, repair_tool_ids=True))
    assert (
        repaired["messages"][1]["content"] == parse_json_object(b'{"x":"%b"}' % text.encode())["x"]
    )


def test_a_result_without_a_call_is_an_error_if_ids_are_repaired() -> None:
    orphan = b'[{"role":"tool","tool_call_id":"a"}]'
    assert relayed(orphan) == BODY % orphan
    with pytest.raises(InvalidRequestError) as caught:
        relayed(orphan, repair_tool_ids=True)
    assert caught.value.param == "messages[0].tool_call_id"
