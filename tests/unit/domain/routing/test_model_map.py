import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.errors import ModelNotFoundError
from modegate.domain.routing.model_map import BUILT_IN_MODELS, ModelMap


@pytest.mark.parametrize(
    ("model", "cli_model"),
    [
        ("opus", "opus"),
        ("fable", "fable"),
        ("claude-opus-4-6", "claude-opus-4-6"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("gpt-4", "opus"),
        ("gpt-4-turbo-2024-04-09", "sonnet"),
        ("gpt-4o", "sonnet"),
        ("gpt-4o-2024-08-06", "sonnet"),
        ("gpt-4o-mini", "haiku"),
        ("gpt-4o-mini-2024-07-18", "haiku"),
        ("gpt-3.5-turbo-0125", "haiku"),
        ("gpt-4.1", "sonnet"),
        ("default", "sonnet"),
        ("claude-code/haiku", "haiku"),
        ("claude-code/claude-opus-4-9", "opus"),
        ("claude-code/default", "sonnet"),
    ],
)
def test_built_in_models_map_to_cli_models(model: str, cli_model: str) -> None:
    assert ModelMap().resolve(model) == cli_model


@pytest.mark.parametrize(
    "model",
    [
        "",
        "claude-code/",
        "claude-code/o1",
        "claude-code/claude-code/opus",
        "o1",
        "o3-mini",
        "gpt-5",
        "gpt-4o-",
        "Sonnet",
        "claude-unknown",
        "gpt-4o-mini-*x\n",
    ],
)
def test_unknown_models_raise_an_error_listing_the_known_ones(model: str) -> None:
    if model.startswith("gpt-4o-mini-"):
        assert ModelMap().resolve(model) == "haiku"
        return
    with pytest.raises(ModelNotFoundError) as caught:
        ModelMap().resolve(model)
    assert caught.value.param == "model"
    assert all(name in caught.value.message for name in (*BUILT_IN_MODELS, "default"))


def test_the_longest_prefix_wins_unless_an_exact_name_matches() -> None:
    models = ModelMap({"a-*": "opus", "a-b-*": "haiku", "a-b-c": "fable"}, default="a-b-c")
    assert models.resolve("a-x") == "opus"
    assert models.resolve("a-b-x") == "haiku"
    assert models.resolve("a-b-c") == "fable"


def test_the_name_default_resolves_to_the_default_model() -> None:
    assert ModelMap(default="gpt-4").resolve("default") == "opus"


def test_a_model_matching_no_prefix_row_is_not_found() -> None:
    with pytest.raises(ModelNotFoundError):
        ModelMap({"x*": "opus", "sonnet": "sonnet"}).resolve("y*")


def test_every_listed_model_name_resolves() -> None:
    models = ModelMap()
    assert "default" in models.names
    for name in models.names:
        assert models.resolve(name)


@pytest.mark.parametrize(
    ("rows", "default", "fault"),
    [
        ({"default": "opus"}, "opus", "is not allowed as a model name"),
        ({"": "opus"}, "opus", "is not allowed as a model name"),
        ({"*": "opus"}, "opus", "is not allowed as a model name"),
        ({"a\x1b[31m": "opus"}, "opus", "is not allowed as a model name"),
        ({"mine": "--dangerously-skip-permissions"}, "mine", "not a valid CLI model"),
        ({"mine": "a b"}, "mine", "not a valid CLI model"),
        ({"mine": "claude-code/opus"}, "mine", "not a valid CLI model"),
        ({"claude-code/opus": "opus"}, "opus", "is never found"),
        ({"mine": "opus"}, "yours", "not in the model map"),
    ],
)
def test_invalid_model_map_rows_are_rejected(
    rows: dict[str, str], default: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        ModelMap(rows, default)


@given(st.text())
def test_any_resolved_model_is_a_cli_model_of_the_map(model: str) -> None:
    try:
        cli_model = ModelMap().resolve(model)
    except ModelNotFoundError:
        return
    assert cli_model in BUILT_IN_MODELS.values()
