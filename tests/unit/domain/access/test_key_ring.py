"""The key ring takes keys from two headers."""

import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.errors import InvalidKeyError, MissingKeyError

ONE, TWO = ApiKey("sk-one-0123456789"), ApiKey("sk-two-0123456789")
RING = KeyRing((ONE, TWO))
BEARER = f"Bearer {ONE.reveal()}"


@pytest.mark.parametrize(
    ("authorization", "api_key", "expected"),
    [
        (BEARER, None, ONE),
        (None, TWO.reveal(), TWO),
        (None, f" {TWO.reveal()} ", TWO),
        (BEARER, TWO.reveal(), ONE),
        (BEARER, "wrong", ONE),
        ("Bearer wrong", TWO.reveal(), TWO),
        ("Basic x", TWO.reveal(), TWO),
    ],
)
def test_one_valid_key_is_enough(
    authorization: str | None, api_key: str | None, expected: ApiKey
) -> None:
    assert RING.identify(authorization, api_key) == Client.of(
        expected, {ONE: "env-1", TWO: "env-2"}[expected]
    )


@pytest.mark.parametrize(
    ("authorization", "api_key", "kind"),
    [
        (None, None, MissingKeyError),
        (None, "  ", MissingKeyError),
        ("Basic x", "", MissingKeyError),
        (None, "wrong", InvalidKeyError),
        ("Bearer wrong", "wrong", InvalidKeyError),
        (None, BEARER, InvalidKeyError),
    ],
)
def test_no_valid_key_is_refused(
    authorization: str | None, api_key: str | None, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        RING.identify(authorization, api_key)


def test_without_keys_every_client_is_anonymous() -> None:
    assert KeyRing().identify(None, "any") is ANONYMOUS
