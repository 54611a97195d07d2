"""One conversation with both backends, complete and streamed; `docs/parity.md` has the same tables."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.gateway import CLAUDE, Gateway
from support.markdown import ROOT

from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

CHAT = "/v1/chat/completions"
PAGE = (ROOT / "docs/parity.md").read_text("utf-8")
SHAPES: Mapping[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures/message_shapes.json").read_text("utf-8")
)
TEXT = "Hello, Ada. How are you?"
MODEL = "gpt-4o"
CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello. Who are you?"},
    {"role": "user", "content": "I am Ada."},
]
PASSTHROUGH: Mapping[str, str] = {}
BACKENDS = {"passthrough": PASSTHROUGH, "claude code": CLAUDE}
TURNS_TIMEOUT_S = 600  # each starts a process of the CLI


@dataclass(frozen=True)
class Told:
    """What a client makes of an answer, complete or streamed."""

    index: int
    role: str
    content: str
    finish_reason: str
    model: str
    usage: Mapping[str, Any]


def of_completion(response: httpx2.Response) -> Told:
    body = response.json()
    (choice,) = body["choices"]
    message = choice["message"]
    return Told(
        choice["index"],
        message["role"],
        message["content"],
        choice["finish_reason"],
        body["model"],
        body["usage"],
    )


def of_stream(response: httpx2.Response) -> Told:
    *chunks, done, end = re.sub("^:.*\n\n", "", response.text, flags=re.MULTILINE).split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    *told, last = (json.loads(chunk.removeprefix("data: ")) for chunk in chunks)
    assert last["choices"] == []
    choices = [choice for chunk in told for choice in chunk["choices"]]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert [it["finish_reason"] for it in choices[:-1]] == [None] * (len(choices) - 1)
    (index,) = {choice["index"] for choice in choices}
    (model,) = {chunk["model"] for chunk in (*told, last)}
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    return Told(
        index, choices[0]["delta"]["role"], text, choices[-1]["finish_reason"], model, last["usage"]
    )


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table in a section of the page, by their first cell."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {first: rest for first, *rest in cells}


def keys(value: Mapping[str, Any]) -> list[str]:
    """The names of all values, with those of the objects around them."""
    return [
        ".".join((name, *inner))
        for name, it in value.items()
        for inner in ([[key] for key in keys(it)] if isinstance(it, dict) else [[]])
    ]


async def post(gateway: Gateway, headers: Mapping[str, str], **params: object) -> httpx2.Response:
    body = {"model": MODEL, "messages": CONVERSATION} | params
    return await gateway.http.post(CHAT, json=body, headers=dict(headers), timeout=120)


async def test_one_conversation_has_the_same_answer_four_ways(
    both: Gateway, provider: SimulatedProvider
) -> None:
    answers = []
    for headers in BACKENDS.values():
        provider.script(Says(TEXT), Says(TEXT))
        answers.append(of_completion(await post(both, headers)))
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        answers.append(of_stream(await post(both, headers, **streamed)))
    assert answers == [answers[0]] * 4
    told = answers[0]
    assert told.content == TEXT
    names = ", ".join(f"`{name}`" for name in keys(told.usage))
    assert rows("Equal") == {
        "`choices[].index`": [f"`{told.index}`"],
        "`choices[].message.role`": [f"`{told.role}`"],
        "`choices[].message.content`": [
            "the text; the deltas of a stream, joined, are the same text"
        ],
        "`choices[].finish_reason`": [f"`{told.finish_reason}`"],
        "`model`": ["the model in the request"],
        "`usage`": [names],
    }
    assert told.model == MODEL


def outcome(response: httpx2.Response) -> str:
    """A response as the page names it."""
    if response.status_code == 200:
        return "200"
    error = response.json()["error"]
    shown = f", `{error['param']}`" if error["param"] else f" `{error['code']}`"
    return f"{response.status_code}{shown}"


def header(response: httpx2.Response, name: str) -> str:
    value = response.headers.get(name)
    return "absent" if value is None else f"`{value}`"


async def test_the_page_names_the_differences(both: Gateway, provider: SimulatedProvider) -> None:
    columns: list[dict[str, str]] = []
    for name, headers in BACKENDS.items():
        usual = await post(both, headers, temperature=0.5)
        session = header(usual, "X-Claude-Session-ID")
        twice = await post(both, headers, n=2)
        provider.script(*[Says("")] * (1 if name == "passthrough" else 2))
        silent = await post(both, headers)
        provider.clear()
        columns.append(
            {
                "`X-Backend-Mode`": header(usual, "X-Backend-Mode"),
                "`X-Claude-Session-ID`": "absent" if session == "absent" else "the session id",
                "`X-Claude-Session-Created`": header(usual, "X-Claude-Session-Created"),
                "`X-Claude-Ignored-Params`, if the request has `temperature`": header(
                    usual, "X-Claude-Ignored-Params"
                ),
                "`n` of 2": outcome(twice),
                "an answer without any text": outcome(silent),
            }
        )
    passed, claude = columns
    assert rows("Different") == {name: [passed[name], claude[name]] for name in passed}


def test_the_page_lists_exactly_the_shapes() -> None:
    listed = {
        name: "200" if (param := shape["invalid_in_claude_code"]) is None else f"400, `{param}`"
        for name, shape in SHAPES.items()
    }
    assert rows("Message shapes") == {name: [said] for name, said in listed.items()}
    params = [it["invalid_in_claude_code"] for it in SHAPES.values()]
    assert all(re.match(r"messages\[\d+\]", it) for it in params if it is not None)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_passthrough_relays_every_shape_of_messages(
    stream: bool, both: Gateway, provider: SimulatedProvider
) -> None:
    for name, shape in SHAPES.items():
        body = json.dumps({"model": MODEL, "messages": shape["messages"], "stream": stream})
        response = await both.http.post(
            CHAT, content=body, headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 200, name
        asked = ',"stream_options":{"include_usage":true}' if stream else ""
        assert provider.requests[-1].body == f"{body[:-1]}{asked}}}".encode(), name


def texts(value: object) -> list[str]:
    """The texts of messages, without their other fields."""
    if isinstance(value, list):
        return [text for it in value for text in texts(it)]
    if isinstance(value, dict):
        said = (value.get(name) for name in ("content", "text", "refusal"))
        return [text for it in said for text in ([it] if isinstance(it, str) else texts(it))]
    return []


@pytest.mark.timeout(TURNS_TIMEOUT_S)
@pytest.mark.parametrize(
    "stream", [False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["whole", "stream"]
)
async def test_claude_code_answers_every_shape_of_messages_or_names_the_message(
    stream: bool, both: Gateway, provider: SimulatedProvider
) -> None:
    for name, shape in SHAPES.items():
        response = await post(both, CLAUDE, messages=shape["messages"], stream=stream)
        param = shape["invalid_in_claude_code"]
        assert response.status_code == (200 if param is None else 400), name
        if param is not None:
            assert response.json()["error"]["param"] == param, name
            continue
        asked = json.dumps(provider.requests[-1].json, ensure_ascii=False)
        assert [text for text in texts(shape["messages"]) if text.strip() not in asked] == [], name
