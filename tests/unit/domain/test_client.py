import pytest

from modegate.domain.client import ApiKey, mask, parse_upstream_key
from modegate.domain.errors import InvalidHeaderError


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("sk-cca-0123456789abcdef7f3a", "sk-cca-****7f3a"),
        ("12345678", "****"),
        ("", "****"),
        ("123456789", "****6789"),
        ("sk-proj-abcd-efghijklmnop", "sk-proj-****mnop"),
        ("a-b-cdefg", "****defg"),
        ("sk-" + "x" * 40 + "-abcdefghij", "****ghij"),
        ("sk-nohyphenatall", "****tall"),
    ],
)
def test_a_masked_key_shows_next_to_nothing(secret: str, shown: str) -> None:
    assert mask(secret) == shown


def test_a_key_shows_itself_only_when_asked() -> None:
    key = ApiKey("sk-cca-0123456789abcdef7f3a")
    assert "0123" not in f"{key} {key!r}"
    assert key.reveal() == "sk-cca-0123456789abcdef7f3a"


@pytest.mark.parametrize("text", ["", "x" * 257, "sk-\x07", "sk-ü"])
def test_what_cannot_be_a_key(text: str) -> None:
    with pytest.raises(InvalidHeaderError) as caught:
        parse_upstream_key(text)
    assert caught.value.param == "X-OpenAI-API-Key"
    assert not text or text not in caught.value.message


def test_the_longest_key() -> None:
    assert parse_upstream_key("x" * 256).reveal() == "x" * 256
