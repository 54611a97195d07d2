import json
from collections.abc import Mapping
from typing import Any

import pytest

from modegate.dialects.chat.generation import parse_generation
from modegate.dialects.chat.tools import parse_tools
from modegate.dialects.tools_size import check_tools_size
from modegate.domain.errors import InvalidRequestError, MissingParameterError, RequestError
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.parameters.param_policy import ParamPolicy
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
BASE = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}


def function(name: object = "get", **more: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, **more}}


def named(name: object, kind: str = "function") -> dict[str, object]:
    return {"type": kind, kind: {"name": name}}


def allowed(mode: object, *names: object) -> dict[str, object]:
    choice = {"mode": mode, "tools": [named(name) for name in names]}
    return {"type": "allowed_tools", "allowed_tools": choice}


def offer(**params: object) -> ToolOffer:
    found = parse_tools(params)
    assert found is not None
    return found


def test_a_function_is_parsed_with_all_that_it_says() -> None:
    tool = function("get.weather-1", description="Tells.", parameters=SCHEMA, strict=True)
    assert offer(tools=[tool]) == ToolOffer(
        (ClientTool("get.weather-1", "Tells.", SCHEMA, strict=True),)
    )


@pytest.mark.parametrize("more", [{}, {"description": None, "parameters": None, "strict": None}])
def test_all_but_the_name_may_be_absent(more: dict[str, object]) -> None:
    assert offer(tools=[function(**more)]).tools == (ClientTool("get"),)


def test_a_function_may_be_flat_as_in_the_responses_api() -> None:
    flat = {"type": "function", "name": "get", "parameters": SCHEMA}
    assert offer(tools=[flat]).tools == (ClientTool("get", "", SCHEMA),)


def test_a_custom_tool_is_a_function_with_one_text() -> None:
    form = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z]+"}}
    tools = [
        {"type": "custom", "custom": {"name": "shell", "description": "Runs."}},
        {"type": "custom", "custom": {"name": "word", "format": form}},
    ]
    shell, word = offer(tools=tools).tools
    assert (shell.name, shell.description, shell.free_text) == ("shell", "Runs.", True)
    assert shell.parameters["required"] == ["input"]
    assert (
        "regex\n[a-z]+"
        in json.loads(json.dumps(word.parameters))["properties"]["input"]["description"]
    )


TWO = [function("a"), function("b")]
A, B = frozenset("a"), frozenset("b")


@pytest.mark.parametrize(
    ("choice", "calling", "names"),
    [
        (None, Calling.AUTO, None),
        ("auto", Calling.AUTO, None),
        ("", Calling.AUTO, None),
        ({}, Calling.AUTO, None),
        ({"type": "auto"}, Calling.AUTO, None),
        ("none", Calling.NONE, None),
        ({"type": "none"}, Calling.NONE, None),
        ("required", Calling.REQUIRED, None),
        ({"type": "required"}, Calling.REQUIRED, None),
        (named("b"), Calling.REQUIRED, B),
        ({"type": "function", "name": "b"}, Calling.REQUIRED, B),
        ("b", Calling.REQUIRED, B),
        (allowed("auto", "a"), Calling.AUTO, A),
        (allowed("required", "a", "b"), Calling.REQUIRED, A | B),
    ],
)
def test_each_form_of_the_choice_is_parsed(
    choice: object, calling: Calling, names: frozenset[str] | None
) -> None:
    parsed = offer(tools=TWO, tool_choice=choice)
    assert (parsed.calling, parsed.callable) == (calling, names)


def test_a_custom_tool_may_be_chosen() -> None:
    tools = [{"type": "custom", "custom": {"name": "shell"}}]
    assert offer(tools=tools, tool_choice=named("shell", "custom")).callable == frozenset({"shell"})


def test_a_tool_with_the_name_of_a_choice_is_chosen_by_its_object() -> None:
    tools = [function("none"), function("a")]
    assert offer(tools=tools, tool_choice="none").calling is Calling.NONE
    assert offer(tools=tools, tool_choice=named("none")).callable == frozenset({"none"})


@pytest.mark.parametrize(("value", "parallel"), [(None, True), (True, True), (False, False)])
def test_parallel_calls_are_a_choice(value: object, parallel: object) -> None:
    assert offer(tools=TWO, parallel_tool_calls=value).parallel is parallel


@pytest.mark.parametrize(
    ("call", "calling", "names"),
    [
        (None, Calling.AUTO, None),
        ("auto", Calling.AUTO, None),
        ("none", Calling.NONE, None),
        ({"name": "a"}, Calling.REQUIRED, A),
    ],
)
def test_functions_are_the_older_form(
    call: object, calling: Calling, names: frozenset[str] | None
) -> None:
    functions = [{"name": "a", "description": "A.", "parameters": SCHEMA}, {"name": "b"}]
    tools = (ClientTool("a", "A.", SCHEMA), ClientTool("b"))
    assert offer(functions=functions, function_call=call) == ToolOffer(
        tools, calling, names, parallel=False, legacy=True
    )


NOTHING: list[object] = [None, False, "", [], {}, [None], [{}], {"type": ""}]


@pytest.mark.parametrize("value", NOTHING)
@pytest.mark.parametrize("name", ["tools", "functions"])
def test_a_value_that_asks_for_nothing_offers_nothing(name: str, value: object) -> None:
    assert parse_tools({name: value}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("tool_choice", value) for value in (*NOTHING, "none", "auto", {"type": "auto"})),
        ("tool_choice", allowed("auto")),
        *(("function_call", value) for value in (*NOTHING, "none", "auto")),
        ("parallel_tool_calls", True),
    ],
)
def test_without_tools_a_choice_of_nothing_is_accepted(name: str, value: object) -> None:
    assert parse_tools({name: value}) is None


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"a": schema}
    return schema


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"tools": "get"}, "tools"),
        ({"tools": {"a": function()}}, "tools"),
        ({"tools": True}, "tools"),
        ({"tools": [function(), "get"]}, "tools[1]"),
        ({"tools": [function(), {}]}, "tools[1].type"),
        ({"tools": [{"function": {"name": "get"}}]}, "tools[0].type"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": ["function"]}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": "get"}]}, "tools[0].function"),
        ({"tools": [{"type": "custom", "custom": 1}]}, "tools[0].custom"),
        (
            {"tools": [{"type": "custom", "custom": {"name": "a", "format": "x"}}]},
            "tools[0].custom.format",
        ),
        ({"tools": [function(None)]}, "tools[0].function.name"),
        ({"tools": [function(5)]}, "tools[0].function.name"),
        ({"tools": [function("")]}, "tools[0].function.name"),
        ({"tools": [function("a b")]}, "tools[0].function.name"),
        ({"tools": [function("a\n")]}, "tools[0].function.name"),
        ({"tools": [function("é")]}, "tools[0].function.name"),
        ({"tools": [function("a" * 65)]}, "tools[0].function.name"),
        ({"tools": [function(description=5)]}, "tools[0].function.description"),
        ({"tools": [function(parameters=[])]}, "tools[0].function.parameters"),
        ({"tools": [function(parameters=True)]}, "tools[0].function.parameters"),
        ({"tools": [function(parameters=deep(100))]}, "tools[0].function.parameters"),
        ({"tools": [function(strict="yes")]}, "tools[0].function.strict"),
        ({"tools": [function("a"), function("b"), function("a")]}, "tools"),
        ({"tools": [function(f"f{i}") for i in range(129)]}, "tools"),
        ({"tools": TWO, "functions": [{"name": "a"}]}, "functions"),
        ({"functions": [{"name": "a"}, {}]}, "functions[1].name"),
        ({"functions": [{"name": "a"}, {"name": "a"}]}, "functions"),
        ({"tools": TWO, "tool_choice": named("c")}, "tool_choice"),
        ({"tools": TWO, "tool_choice": allowed("auto", "c")}, "tool_choice"),
        ({"tools": TWO, "tool_choice": allowed("auto")}, "tool_choice"),
        ({"tools": TWO, "tool_choice": allowed("none", "a")}, "tool_choice"),
        ({"tools": TWO, "tool_choice": allowed(["auto"], "a")}, "tool_choice"),
        ({"tools": TWO, "tool_choice": allowed("auto", None)}, "tool_choice"),
        ({"tools": TWO, "tool_choice": "c"}, "tool_choice"),
        ({"tools": TWO, "tool_choice": 5}, "tool_choice"),
        ({"tools": TWO, "tool_choice": ["auto"]}, "tool_choice"),
        ({"tools": TWO, "tool_choice": {"type": "function"}}, "tool_choice"),
        ({"tools": TWO, "tool_choice": {"type": ["function"]}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": named("a")}, "tool_choice"),
        ({"tool_choice": allowed("required")}, "tool_choice"),
        ({"tools": TWO, "function_call": {"name": "a"}}, "function_call"),
        ({"functions": [{"name": "a"}], "function_call": {"name": "b"}}, "function_call"),
        ({"functions": [{"name": "a"}], "function_call": "a"}, "function_call"),
        ({"functions": [{"name": "a"}], "tool_choice": "required"}, "tool_choice"),
    ],
)
def test_invalid_tools_are_rejected_by_name(params: dict[str, object], param: str) -> None:
    with pytest.raises((InvalidRequestError, MissingParameterError)) as caught:
        parse_tools(params)
    assert caught.value.param == param
    assert f"'{param}'" in caught.value.message


def test_the_most_tools_with_the_longest_names_are_accepted() -> None:
    tools = [function(f"{i:064}", parameters=deep(99)) for i in range(128)]
    assert len(offer(tools=tools).tools) == 128


def parsed(params: Mapping[str, object]) -> GenerationRequest:
    check_tools_size(json.dumps(params).encode())
    return parse_generation(params, ParamPolicy())


def of_size(field: str, size: int) -> Mapping[str, object]:
    """A request whose tools have `size` bytes of JSON."""
    tool = {"name": "get", "description": ""}
    tools = [{"type": "function", "function": tool} if field == "tools" else tool]
    tool["description"] = "x" * (size - len(json.dumps(tools)))
    return BASE | {field: tools, "user": "x" * 1000}


@pytest.mark.parametrize("field", ["tools", "functions"])
def test_tools_of_512_kib_as_they_came_are_accepted_and_no_more(field: str) -> None:
    assert parsed(of_size(field, 512 * 1024)).tools is not None
    with pytest.raises(RequestError) as caught:
        parsed(of_size(field, 512 * 1024 + 1))
    assert caught.value.param == field
    assert "512 KiB" in caught.value.message


def test_a_long_conversation_does_not_count_as_tools() -> None:
    messages = [{"role": "user", "content": "x" * 400_000}] * 2
    assert parsed(BASE | {"messages": messages, "tools": TWO}).tools is not None


def test_a_request_carries_its_tools() -> None:
    assert parsed(BASE | {"tools": TWO}).tools == offer(tools=TWO)
    assert parsed(dict(BASE)).tools is None
