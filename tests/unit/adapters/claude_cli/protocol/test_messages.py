import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.protocol import messages
from modegate.domain.conversation.prompt import Prompt

ID = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"


def response(request: str, subtype: str = "success", **response: object) -> dict[str, object]:
    body = {"subtype": subtype, "request_id": request, "response": response}
    return {"type": "control_response", "response": body}


@given(system=st.text(), text=st.text())
def test_system_prompt_and_user_text_are_encoded_as_one_json_line_each(
    system: str, text: str
) -> None:
    first, second = (
        messages.initialize(system) + messages.user(Prompt.of_text(text).turn, ID)
    ).splitlines()
    assert json.loads(first)["request"]["systemPrompt"] == system
    assert json.loads(second)["message"]["content"] in (text, f"\n{text}")
    assert json.loads(second)["uuid"] == ID


def test_an_error_response_refuses_only_the_request_it_names() -> None:
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
def test_has_rewound_reads_the_result_of_a_rewind_response(
    event: dict[str, object], verdict: bool | None
) -> None:
    assert messages.has_rewound(event) is verdict
