"""The effort of reasoning in the form that a model takes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.messages.upstream.request import encode_request
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message, Role, ToolCall, text_message
from modegate.domain.conversation.thought import Thought
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

HI = text_message(Role.USER, "Hi")
CALLS = Message(Role.ASSISTANT, calls=(ToolCall("call_1", "get", "{}"),))
THINKS = replace(CALLS, thoughts=(Thought("Hm.", "c2ln"),))
RESULT = replace(text_message(Role.TOOL, "sun"), call_id="call_1")
ASKED = GenerationRequest(model="m", conversation=Conversation((HI,)), effort=Effort.HIGH)

BUDGET = [
    "claude-3-7-sonnet-20250219",
    "claude-3-7-sonnet-latest",
    "claude-sonnet-4-20250514",
    "claude-opus-4-0",
    "claude-opus-4-1-20250805",
    "claude-sonnet-4-5",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-5-20251101",
    "claude-opus-4-5@20251101",
    "anthropic/claude-sonnet-4.5",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
]
ADAPTIVE = [
    "claude-opus-4-6",
    "claude-sonnet-4-6-20260217",
    "anthropic/claude-opus-4.7",
    "claude-opus-4-8",
    "claude-sonnet-5",
    "claude-haiku-5-5-20261001",
    "claude-opus-5-5",
    "sonnet",
    "another-model",
]
NONE = ["claude-3-5-sonnet-20241022", "claude-3-5-haiku-latest", "claude-3-opus-20240229"]
ALWAYS = ["claude-fable-5", "claude-mythos-5-1"]


def sent(model: str, asked: GenerationRequest = ASKED, default: int = 8192) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_request(asked, model, default))
    return found


@pytest.mark.parametrize("model", BUDGET)
def test_older_models_get_a_budget(model: str) -> None:
    body = sent(model)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 5734}
    assert "output_config" not in body
    assert sent(model, replace(ASKED, effort=Effort.NONE))["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("model", [*ADAPTIVE, *ALWAYS])
def test_current_models_think_adaptively(model: str) -> None:
    body = sent(model)
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "high"}


@pytest.mark.parametrize("model", NONE)
@pytest.mark.parametrize("effort", [Effort.NONE, Effort.HIGH])
def test_models_without_thinking_get_nothing(model: str, effort: Effort) -> None:
    assert not {"thinking", "output_config"} & sent(model, replace(ASKED, effort=effort)).keys()


@pytest.mark.parametrize("model", ALWAYS)
def test_models_that_always_think_do_so_as_little_as_they_can(model: str) -> None:
    body = sent(model, replace(ASKED, effort=Effort.NONE))
    assert "thinking" not in body
    assert body["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("model", "xhigh", "most"),
    [
        ("claude-opus-4-6", "high", "max"),
        ("claude-sonnet-4-6", "high", "high"),
        ("claude-opus-4-7", "xhigh", "max"),
    ],
)
def test_an_effort_that_a_model_lacks_is_the_one_below(model: str, xhigh: str, most: str) -> None:
    for effort, found in ((Effort.XHIGH, xhigh), (Effort.MAX, most)):
        assert sent(model, replace(ASKED, effort=effort))["output_config"] == {"effort": found}


@given(
    st.sampled_from(BUDGET),
    st.sampled_from([it for it in Effort if it is not Effort.NONE]),
    st.none() | st.integers(1, 200_000),
    st.integers(1, 100_000),
)
def test_a_budget_is_always_below_the_bound(
    model: str, effort: Effort, most: int | None, default: int
) -> None:
    body = sent(model, replace(ASKED, effort=effort, max_tokens=most), default)
    bound = body["max_tokens"]
    if bound > 1024:
        assert 1024 <= body["thinking"]["budget_tokens"] < bound
    else:
        assert "thinking" not in body


@pytest.mark.parametrize(
    ("said", "thinks"),
    [
        ((HI, CALLS, RESULT), False),
        ((HI, THINKS, RESULT), True),
        ((HI, CALLS, RESULT, text_message(Role.ASSISTANT, "Sun."), HI), True),
        ((HI, CALLS, RESULT, HI), False),
        ((HI, THINKS, RESULT, CALLS, RESULT), False),
    ],
)
def test_with_a_budget_an_answer_goes_on_from_thoughts_only(said: Any, thinks: bool) -> None:
    asked = replace(ASKED, conversation=Conversation(said))
    assert ("thinking" in sent(BUDGET[0], asked)) is thinks
    assert "thinking" in sent(ADAPTIVE[0], asked)


@pytest.mark.parametrize("model", [BUDGET[0], ADAPTIVE[0]])
def test_where_a_call_is_demanded_nothing_thinks(model: str) -> None:
    tools = ToolOffer((ClientTool("get"),), Calling.REQUIRED)
    assert "thinking" not in sent(model, replace(ASKED, tools=tools))


def test_a_thought_without_a_signature_is_not_sent() -> None:
    unsigned = replace(CALLS, thoughts=(Thought("Hm."),))
    for said, kinds in ((unsigned, ["tool_use"]), (THINKS, ["thinking", "tool_use"])):
        body = sent("claude-opus-5", replace(ASKED, conversation=Conversation((HI, said, RESULT))))
        assert [it["type"] for it in body["messages"][1]["content"]] == kinds
