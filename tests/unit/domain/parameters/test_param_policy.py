import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.errors import InvalidRequestError, Remedy, UnsupportedParameterError
from modegate.domain.parameters.param_policy import (
    WITHOUT_CLIENT_TOOLS,
    Effort,
    ParamPolicy,
    Screening,
)

BASE: dict[str, object] = {"model": "sonnet", "messages": [], "stream": True}
NOTHING = Screening(ignored=(), effort=None)


def screen(**params: object) -> Screening:
    return ParamPolicy().screen(BASE | params)


def reject_tools(**params: object) -> Screening:
    """Screens as a gateway whose operator offers no tools of clients."""
    return ParamPolicy(WITHOUT_CLIENT_TOOLS).screen(BASE | params)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "function"}]),
        ("tool_choice", "required"),
        ("functions", [{"name": "get"}]),
        ("function_call", {"name": "get"}),
        ("parallel_tool_calls", True),
    ],
)
def test_tools_are_honoured_unless_the_operator_rejects_them(name: str, value: object) -> None:
    assert screen(**{name: value}) == NOTHING


def test_honoured_parameters_are_not_reported_as_ignored() -> None:
    assert screen(stream_options={"include_usage": True}) == NOTHING
    assert screen(response_format={"type": "json_object"}) == NOTHING
    assert screen(max_tokens=5, max_completion_tokens=5.0, stop=["x"]) == NOTHING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("max_tokens", value) for value in (0, -1, 1.5, "5", True, [5], float("inf"))),
        *(("stop", value) for value in (1, True, {"x": "y"}, ["x", 1], ["x"] * 17)),
        *(("temperature", value) for value in ("hot", True, -0.1, 2.1, [1], float("nan"))),
        *(("top_p", value) for value in ("1", False, -1, 1.01)),
        *(("frequency_penalty", value) for value in (-2.5, 3, "0")),
        *(("presence_penalty", value) for value in (-2.5, 3, "0")),
        *(("seed", value) for value in (1.5, "7", True, float("inf"))),
        *(("user", value) for value in (7, ["me"])),
        ("store", "yes"),
        ("metadata", "x"),
        ("service_tier", 1),
        ("verbosity", 1),
        *(("reasoning_effort", value) for value in (3, {"x": 1}, ["low"], True)),
        ("prompt_cache_key", 1),
        ("safety_identifier", True),
    ],
)
def test_limits_and_stops_of_another_type_are_invalid(name: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        screen(**{name: value})
    assert caught.value.param == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.5),
        ("temperature", 2),
        ("temperature", ""),
        ("seed", -(2**63)),
        ("presence_penalty", -2.0),
        ("top_p", 1),
        ("seed", 1),
        ("frequency_penalty", 0),
        ("presence_penalty", 0),
        ("n", 1),
        ("user", "me"),
        ("store", False),
        ("metadata", {}),
        ("service_tier", "auto"),
        ("verbosity", "low"),
        ("prompt_cache_key", "k"),
        ("safety_identifier", "s"),
        ("logprobs", False),
        ("modalities", ["text"]),
        ("a_name_of_next_year", {"deep": [1]}),
    ],
)
def test_ignorable_parameters_are_accepted_and_reported_as_ignored(
    name: str, value: object
) -> None:
    assert screen(**{name: value}) == Screening(ignored=(name,), effort=None)


TOOL = {"type": "function", "function": {"name": "get"}}
NAMED = {"type": "function", "function": {"name": "get"}}
REFUSED: list[tuple[str, object]] = [
    ("tools", [TOOL]),
    ("tools", [{}, TOOL]),
    ("tools", True),
    ("tool_choice", "required"),
    ("tool_choice", NAMED),
    ("tool_choice", {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}),
    ("functions", [{"name": "get"}]),
    ("function_call", {"name": "get"}),
    ("logprobs", True),
    ("top_logprobs", 1),
    ("logit_bias", {"50256": -100}),
    ("logit_bias", {"50256": 0, "7": 1}),
    ("n", 2),
    ("n", 2.0),
    ("audio", {"voice": "alloy", "format": "wav"}),
    ("modalities", ["text", "audio"]),
    ("modalities", ["audio"]),
    ("prediction", {"type": "content", "content": "x"}),
    ("prediction", {"type": "content", "content": [{"type": "text", "text": "x"}]}),
    # OpenAI's API searches with the defaults.
    ("web_search_options", {}),
    ("web_search_options", {"user_location": None}),
]
EMPTY: tuple[object, ...] = (
    None,
    "",
    " \n",
    [],
    {},
    [None],
    [{}],
    {"x": None},
    {"type": "", "function": {"name": []}},
)
NEUTRAL: list[tuple[str, object]] = [
    *((name, value) for name in ("tools", "functions", "audio") for value in (False, *EMPTY)),
    *(("tool_choice", value) for value in ("none", "auto", False, *EMPTY)),
    ("tool_choice", {"type": "none"}),
    ("tool_choice", {"type": "auto"}),
    ("tool_choice", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}),
    *(("function_call", value) for value in ("none", "auto", False, *EMPTY)),
    *(("top_logprobs", value) for value in (0, 0.0, -0.0, False, *EMPTY)),
    *(("logit_bias", value) for value in ({"50256": 0}, {"1": 0.0, "2": None}, False, *EMPTY)),
    *(("n", value) for value in (1, 1.0, *EMPTY)),
    *(("logprobs", value) for value in (False, *EMPTY)),
    *(("modalities", value) for value in (["text"], ["text", "text"], ["text", None], *EMPTY)),
    *(("prediction", value) for value in ({"type": "content"}, False, *EMPTY)),
    *(
        ("prediction", {"type": "content", "content": content})
        for content in (None, "", [], [{"type": "text", "text": ""}], [{"type": "text"}, {}])
    ),
    ("web_search_options", ""),
    ("web_search_options", []),
    ("web_search_options", False),
]


@pytest.mark.parametrize(("name", "value"), NEUTRAL)
def test_neutral_values_are_accepted_and_reported_as_ignored(name: str, value: object) -> None:
    named = () if value is None else (name,)
    assert reject_tools(**{name: value}) == Screening(ignored=named, effort=None)


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_unsupported_parameters_are_rejected_by_name(name: str, value: object) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        reject_tools(**{name: value})
    assert caught.value.param == name
    assert f"'{name}'" in caught.value.message
    assert Remedy.USE_PASSTHROUGH in caught.value.remedies


@pytest.mark.parametrize("name", ["tools", "temperature", "n", "logit_bias", "reasoning_effort"])
def test_null_parameters_count_as_absent(name: str) -> None:
    assert screen(**{name: None}) == NOTHING


@pytest.mark.parametrize("effort", Effort)
def test_efforts_known_to_the_cli_are_honoured(effort: Effort) -> None:
    assert screen(reasoning_effort=effort.value) == Screening((), effort)


def test_the_least_effort_is_the_least_that_the_cli_has() -> None:
    assert screen(reasoning_effort="minimal") == Screening((), Effort.LOW)


@pytest.mark.parametrize("value", ["most", "", {}, []])
def test_other_effort_values_are_reported_as_ignored(value: object) -> None:
    assert screen(reasoning_effort=value) == Screening(("reasoning_effort",), None)


def test_ignored_parameters_keep_the_request_order() -> None:
    assert screen(seed=1, user="x", top_p=1).ignored == ("seed", "user", "top_p")


def test_the_error_names_the_unsupported_parameter_and_not_neutral_ones() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        reject_tools(tool_choice="auto", top_logprobs=0, tools=[TOOL])
    assert caught.value.param == "tools"


def test_deeply_nested_values_are_screened_without_recursion_errors() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert reject_tools(tools=deep).ignored == ("tools",)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
names = st.sampled_from(["n", "tools", "logprobs", "modalities", "reasoning_effort"]) | st.text()


@given(st.dictionaries(names, json_values, max_size=5))
def test_any_parameters_are_honoured_ignored_or_rejected(params: dict[str, object]) -> None:
    try:
        screening = ParamPolicy().screen(params)
    except (InvalidRequestError, UnsupportedParameterError):
        return
    assert set(screening.ignored) <= {name for name, value in params.items() if value is not None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n", value) for value in (0, -1, 0.0, 0.5, 1.5, float("inf"), "1", True, False, [1])),
        ("response_format", "text"),
        ("logprobs", 0),
        ("parallel_tool_calls", "yes"),
        ("modalities", "text"),
        ("modalities", {"x": "text"}),
    ],
)
def test_values_invalid_in_every_mode_raise_invalid_request_error(name: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        ParamPolicy().screen({name: value})
    assert caught.value.param == name
