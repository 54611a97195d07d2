import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.protocol import messages

ID = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"


def response(request: str, subtype: str = "success", **response: object) -> dict[str, object]:
    body = {"subtype": subtype, "request_id": request, "response": response}
    return {"type": "control_response", "response": body}


@given(system=st.text(), text=st.text())
def test_what_a_client_wrote_is_json_on_a_line(system: str, text: str) -> None:
    first, second = (messages.initialize(system) + messages.user(text, ID)).splitlines()
    assert json.loads(first)["request"]["systemPrompt"] == system
    assert json.loads(second)["message"]["content"] in (text, f"\n{text}")
    assert json.loads(second)["uuid"] == ID


@pytest.mark.parametrize("text", ["/cost", "/", "//x", "/etc/passwd is a file"])
def test_nothing_starts_with_a_slash(text: str) -> None:
    assert messages.as_plain_text(text) == f"\n{text}"


@pytest.mark.parametrize("text", [" /cost", "cost", "a /b", "", "@/etc/passwd", "--help"])
def test_everything_else_is_left_alone(text: str) -> None:
    assert messages.as_plain_text(text) == text


def test_an_answer_is_to_the_request_that_it_names() -> None:
    assert messages.refuses(response("initialize", "error"), messages.INITIALIZE)
    assert not messages.refuses(response("initialize"), messages.INITIALIZE)
    assert not messages.refuses(response("interrupt", "error"), messages.INITIALIZE)
    assert not messages.refuses({"type": "result", "subtype": "error"}, messages.INITIALIZE)


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        (response("rewind", rewound=True), True),
        (response("rewind", rewound=False, reason="turn_running"), False),
        (response("rewind", "error"), False),
        (response("interrupt"), None),
        ({"type": "result"}, None),
    ],
)
def test_a_turn_is_forgotten_where_the_process_says_so(
    event: dict[str, object], verdict: bool | None
) -> None:
    assert messages.has_rewound(event) is verdict
