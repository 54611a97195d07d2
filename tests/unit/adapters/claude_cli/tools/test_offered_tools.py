import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modegate.adapters.claude_cli.tools.offered_tools import PREFIX, NameFilter, OfferedTools
from modegate.domain.text import replace_lone_surrogates
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer


def offered(*tools: ClientTool, **choice: object) -> OfferedTools:
    return OfferedTools(ToolOffer(tools, **choice))  # type: ignore[arg-type]


def named(*names: str) -> OfferedTools:
    return offered(*map(ClientTool, names))


def schema_of(parameters: Mapping[str, object]) -> object:
    return offered(ClientTool("f", parameters=parameters)).listing()[0]["inputSchema"]


def test_a_tool_is_listed_with_its_description_and_schema() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = offered(ClientTool("weather", "Tells the weather.", schema), parallel=False)
    assert tools.listing() == [
        {
            "name": "weather",
            "description": "Tells the weather.",
            "inputSchema": schema,
            "_meta": {"anthropic/maxResultSizeChars": 500_000},
        }
    ]
    assert tools.instructions() == "Call at most one tool in an answer."


def test_parallel_calls_are_asked_for_by_the_hint() -> None:
    tools = named("f")
    assert tools.listing()[0]["annotations"] == {"readOnlyHint": True}
    assert tools.instructions() == ""


@pytest.mark.parametrize("text", ["a" * 4096, "😀" * 2048])
def test_a_description_of_the_longest_size_is_listed_whole(text: str) -> None:
    tools = offered(ClientTool("f", text))
    assert (tools.listing()[0]["description"], tools.instructions()) == (text, "")


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=5))
def test_each_character_of_a_long_description_is_told(unit: str) -> None:
    text = replace_lone_surrogates(unit * 4097)
    tools = offered(ClientTool("f", text))
    shown, told = str(tools.listing()[0]["description"]), tools.instructions()
    assert len(shown.encode("utf-16-le")) <= 2 * 4096
    head, rest = shown.partition(" [... ")[0], told.partition("goes on:\n")[2]
    assert head + rest == text or text in told


def test_lines_that_the_cli_would_change_are_told_exactly() -> None:
    told = offered(ClientTool("f", "Plain.\nAn ﬁ and a 👩‍💻.\nPlain too.")).instructions()
    assert told.splitlines()[1:] == ["An ﬁ and a 👩‍💻."]


def with_property(schema: object, **more: object) -> dict[str, object]:
    return {"type": "object", "properties": {"a": schema}, **more}


@pytest.mark.parametrize(
    "schema",
    [
        with_property({"type": "strin"}),
        with_property({"type": "string", "required": True}),
        with_property({"type": "number", "exclusiveMinimum": True, "minimum": 1}),
        with_property({"anyOf": []}),
        with_property({}, **{"$defs": {"b": {"type": "strin"}}}),
        with_property({}, description=3),
        # The CLI takes tuples of an older draft, and the API rejects the request for them.
        with_property({"items": [{}]}, **{"$schema": "http://json-schema.org/draft-07/schema#"}),
        with_property({"maximum": 10**400}),
        with_property({"enum": [float("inf")]}),
        {"type": "object", "properties": {"a b": {}}},
        {"type": "object", "properties": {"a" * 65: {}}},
        {"type": "object", "properties": {"": {}}},
    ],
)
def test_a_tool_that_the_cli_would_drop_is_listed_for_any_object(
    schema: dict[str, object],
) -> None:
    tools = offered(ClientTool("f", parameters=schema), ClientTool("g"))
    assert [it["inputSchema"] for it in tools.listing()] == [{"type": "object"}] * 2
    assert json.loads(tools.instructions().splitlines()[1]) == schema


@pytest.mark.parametrize(
    "schema",
    [
        with_property({"type": "object", "properties": {"a b": {"type": "string"}}}),
        with_property({"pattern": "("}),
        with_property({"$ref": "#/$defs/none"}, **{"$schema": "http://example.com/x"}),
        with_property({"format": "unknown", "nullable": True, "enum": []}),
        with_property({"minimum": 1e308, "description": "\ud800"}),
        {"type": "object", "properties": {"a.b-c_D9": {}}, "required": ["a b"]},
    ],
)
def test_other_schemas_are_listed_as_they_are(schema: dict[str, object]) -> None:
    assert schema_of(schema) == schema


@pytest.mark.parametrize(
    ("schema", "completed"),
    [
        ({}, {"type": "object"}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        ({"type": "string"}, {"type": "object"}),
        ({"type": ["object", "null"], "title": "T"}, {"type": "object", "title": "T"}),
        ({"type": "object", "properties": []}, {"type": "object"}),
        ({"type": "object", "properties": None, "required": None}, {"type": "object"}),
        ({"type": "object", "required": ["a", 1]}, {"type": "object"}),
        (
            {"type": "object", "properties": {"a": True, "b": 5}},
            {"type": "object", "properties": {"a": True, "b": {}}},
        ),
        ({"$ref": "#/$defs/a"}, {"type": "object", "$ref": "#/$defs/a"}),
    ],
)
def test_only_the_root_of_a_schema_is_completed(
    schema: dict[str, object], completed: dict[str, object]
) -> None:
    assert schema_of(schema) == completed


def test_a_root_that_the_cli_merges_is_told_exactly() -> None:
    schema = {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    tools = offered(ClientTool("f", parameters=schema))
    assert tools.listing()[0]["inputSchema"] == {"type": "object", **schema}
    assert json.loads(tools.instructions().splitlines()[1]) == schema


def test_a_value_that_the_cli_would_change_is_told_exactly() -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["½"]}}}
    told = offered(ClientTool("f", parameters=schema)).instructions()
    assert json.loads(told.splitlines()[1]) == schema


@pytest.mark.parametrize(
    "names",
    [
        ["get.user", "get_user", "get/user", "get_user_2"],
        ["Get", "get", "GET"],
        ["x", "mcp__client__x", "mcp__client__mcp__client__x"],
        ["Bash", "mcp__client__y", "__z__", "-"],
        ["a" * 128, "a" * 127, "a" * 115, "é" * 128],
    ],
)
def test_each_name_is_mapped_back(names: list[str]) -> None:
    tools = named(*names)
    listed = [str(entry["name"]) for entry in tools.listing()]
    assert len(set(listed)) == len(names)
    for own, cli in zip(names, listed, strict=True):
        assert len(PREFIX + cli) <= 128
        assert cli.isascii()
        assert tools.client_name(cli) == tools.client_name(PREFIX + cli) == own


def test_names_that_the_cli_takes_are_kept() -> None:
    names = ["a.b", "a_b", "mcp__client__x", "Bash"]
    assert [entry["name"] for entry in named(*names).listing()] == ["a_b_2", *names[1:]]


def test_a_name_of_no_tool_loses_the_prefix() -> None:
    assert named("a").client_name("mcp__client__b") == "b"


def test_only_callable_tools_are_listed() -> None:
    tools = (ClientTool("a"), ClientTool("b"))
    assert [it["name"] for it in offered(*tools, callable=frozenset({"b"})).listing()] == ["b"]
    none = offered(*tools, calling=Calling.NONE)
    assert (none.listing(), none.instructions()) == ([], "")


def test_a_required_call_is_asked_for() -> None:
    one, two = ClientTool("a"), ClientTool("b")
    assert "mcp__client__a" in offered(one, calling=Calling.REQUIRED).instructions()
    both = offered(one, two, calling=Calling.REQUIRED).instructions()
    assert "`mcp__client__a`, `mcp__client__b`" in both


def test_strict_tools_are_named() -> None:
    told = offered(ClientTool("a", strict=True), ClientTool("b", strict=False)).instructions()
    assert told == "Arguments must match the schema exactly for: `mcp__client__a`."


def test_the_digest_follows_list_and_instructions() -> None:
    same = {offered(ClientTool("a", "A")).digest, offered(ClientTool("a", "A")).digest}
    others = {
        named("a").digest,
        offered(ClientTool("a", "A"), calling=Calling.REQUIRED).digest,
        offered(ClientTool("a", "A", {"type": "object"}), ClientTool("b")).digest,
    }
    assert len(same) == 1
    assert len(same | others) == 4


def filtered(*pieces: str) -> str:
    names = NameFilter()
    return "".join([*map(names.feed, pieces), names.flush()])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("I call mcp__client__get and mcp__client__set.", "I call get and set."),
        ("mcp__client__mcp__client__x", "mcp__client__x"),
        ("mcp__mcp__client__x", "mcp__x"),
        ("mcp__client_ and mcp__server__x", "mcp__client_ and mcp__server__x"),
        ("mcp__client__", ""),
        ("mcp__client__mcp__cl", "mcp__cl"),
    ],
)
def test_the_prefix_is_removed(text: str, shown: str) -> None:
    assert filtered(text) == filtered(*text) == shown


PIECES = st.lists(st.sampled_from([PREFIX, PREFIX[:5], PREFIX[5:], "m", "_", "x", "client__"]))


@given(PIECES)
def test_any_split_gives_the_same_and_holds_back_only_a_beginning(pieces: list[str]) -> None:
    names, text, shown = NameFilter(), "".join(pieces), ""
    for piece in pieces:
        shown += names.feed(piece)
    shown += names.flush()
    assert shown == filtered(text) == filtered(*text)


@given(st.text("mcp_lient x"))
def test_text_is_held_back_only_while_it_may_be_a_prefix(text: str) -> None:
    shown = NameFilter().feed(text)
    if PREFIX not in text:
        assert text.startswith(shown)
        held = text[len(shown) :]
        assert PREFIX.startswith(held)
        assert held or not any(text.endswith(PREFIX[:size]) for size in range(1, len(PREFIX)))
