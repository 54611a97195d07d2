import pytest

from modegate.dialects.chat.settings import MAX_LIMIT, parse_settings
from modegate.domain.parameters.turn_setting import TurnSetting


@pytest.mark.parametrize(
    ("params", "limit", "names"),
    [
        ({}, None, ()),
        ({"max_tokens": None, "max_completion_tokens": {}}, None, ()),
        ({"max_tokens": 7}, 7, ("max_tokens",)),
        ({"max_completion_tokens": 8.0}, 8, ("max_completion_tokens",)),
        ({"max_tokens": 9, "max_completion_tokens": 8}, 8, ("max_tokens", "max_completion_tokens")),
        ({"max_tokens": 10**4000}, MAX_LIMIT, ("max_tokens",)),
    ],
)
def test_the_lower_limit_counts(
    params: dict[str, object], limit: int | None, names: tuple[str, ...]
) -> None:
    settings = parse_settings(params)
    assert settings.max_tokens == limit
    assert settings.names[TurnSetting.MAX_TOKENS] == names
    assert settings.ignored == ()


@pytest.mark.parametrize(
    ("stop", "texts", "ignored"),
    [
        (None, (), ()),
        ("", (), ()),
        ("END", ("END",), ()),
        (["a", "", "b\n"], ("a", "b\n"), ()),
        ("\n", (), ("stop",)),
        (["END", " \t"], (), ("stop",)),
    ],
)
def test_stops_of_white_space_are_ignored(
    stop: object, texts: tuple[str, ...], ignored: tuple[str, ...]
) -> None:
    settings = parse_settings({"stop": stop})
    assert (settings.stop, settings.ignored) == (texts, ignored)
