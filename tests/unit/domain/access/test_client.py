import pytest

from modegate.domain.access.api_key import ApiKey, mask, mask_address, parse_upstream_key
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.errors import (
    Input,
    InvalidHeaderError,
    InvalidKeyError,
    MissingKeyError,
    Remedy,
)


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
def test_mask_shows_at_most_the_prefix_and_last_four_characters(secret: str, shown: str) -> None:
    assert mask(secret) == shown


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("eyJhbGciOiJIUzI1NiJ9." + "x" * 5000 + "-a-b-signature", "****ture"),
        ("correct-horse-battery-staple", "****aple"),
        ("x" * 100_000, "****xxxx"),
        ("\x1b[31m-\x07-secret-secret", "?[31m-?-****cret"),
        ("secret-secret\r\n\x9b\u202e", "****????"),
        ("gehe\u00efmnis-\ud800\u00fc", "****s-??"),
    ],
)
def test_unknown_keys_are_masked_to_short_printable_ascii_labels(secret: str, shown: str) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        KeyRing([ApiKey("sk-cca-another")]).identify(f"Bearer {secret}.")
    label = str(ApiKey(secret))
    assert label == shown
    assert caught.value.label == str(ApiKey(f"{secret}."))
    assert len(label) <= 20
    assert label.isascii()
    assert label.isprintable()


def test_a_key_is_shown_only_by_reveal() -> None:
    key = ApiKey("sk-cca-0123456789abcdef7f3a")
    assert "0123" not in f"{key} {key!r}"
    assert key.reveal() == "sk-cca-0123456789abcdef7f3a"


@pytest.mark.parametrize("text", ["", "x" * 257, "sk-\x07", "sk-ü"])
def test_malformed_upstream_keys_are_rejected_without_being_quoted(text: str) -> None:
    with pytest.raises(InvalidHeaderError) as caught:
        parse_upstream_key(text)
    assert caught.value.param is Input.UPSTREAM_KEY
    assert not text or text not in caught.value.message


def test_an_upstream_key_of_256_characters_is_accepted() -> None:
    assert parse_upstream_key("x" * 256).reveal() == "x" * 256


ONE, TWO = ApiKey("sk-cca-1234567890abcdef"), ApiKey("another-key")


@pytest.mark.parametrize("text", [f"Bearer {ONE.reveal()}", f"  bearer   {ONE.reveal()} "])
def test_a_bearer_key_on_the_ring_identifies_its_client(text: str) -> None:
    client = KeyRing([TWO, ONE]).identify(text)
    assert client == Client.of(ONE, "env-2")
    assert client.label == "sk-cca-****cdef"
    assert ONE.reveal() not in repr(client)


def test_distinct_keys_are_distinct_clients_and_duplicates_are_merged() -> None:
    ring = KeyRing([ONE, TWO, ApiKey(ONE.reveal())])
    assert len(ring) == 2
    assert ring.identify(f"Bearer {TWO.reveal()}").key_id == "env-2"
    assert ring.identify("Bearer another-key") != ring.identify(f"Bearer {ONE.reveal()}")


@pytest.mark.parametrize("text", [None, "", "Bearer", "Bearer ", "Basic YTpi", ONE.reveal()])
def test_a_missing_or_non_bearer_key_raises_missing_key_error(text: str | None) -> None:
    with pytest.raises(MissingKeyError) as caught:
        KeyRing([ONE]).identify(text)
    assert caught.value.remedies == (Remedy.SEND_KEY,)


@pytest.mark.parametrize("key", ["x", ONE.reveal()[:-1], ONE.reveal() + "x", "\xfc", "\ud800"])
def test_an_unknown_key_raises_invalid_key_error_without_naming_valid_keys(key: str) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        KeyRing([ONE, TWO]).identify(f"Bearer {key}")
    assert ONE.reveal() not in caught.value.message


def test_an_empty_key_ring_identifies_every_client_as_anonymous() -> None:
    assert KeyRing([]).identify(None) is ANONYMOUS
    assert KeyRing([]).identify("Bearer anything") is ANONYMOUS


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("rediss://user:secret@host:6379/0", "rediss://****@host:6379/0"),
        ("redis://:p@ss@host,other:6380/0", "redis://****@host,other:6380/0"),
        ("postgresql://user:secret@host/db?sslmode=require", "postgresql://****@host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db"),
        ("postgresql://user:se?cret@host/db", "postgresql://****"),
        ("postgresql://host/db?password=se@cret", "postgresql://****"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert mask_address(address) == shown
