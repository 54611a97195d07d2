"""What a client keeps, and may neither read nor change."""

import base64
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.cryptography.sealer import AesGcmSealer
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client import ClientId
from modegate.domain.access.client_key import DigestKey
from modegate.domain.errors.catalogue import storage

ADA, BOB = ClientId("ada"), ClientId("bob")
CONTENT = b"A thought of some length, and its signature."


def sealer(secret: bytes = bytes(32)) -> AesGcmSealer:
    async def found() -> DigestKey:
        return DigestKey(secret)

    return AesGcmSealer(found)


@pytest.mark.parametrize("content", [b"", CONTENT, CONTENT * 10_000])
async def test_every_gateway_with_the_same_secret_opens_it_for_its_client(content: bytes) -> None:
    sealed = await sealer().seal(content, ADA)
    assert sealed.isascii()
    assert sealed != await sealer().seal(content, ADA)
    assert await sealer().open(sealed, ADA) == content
    assert await sealer().open(sealed, BOB) is None
    assert await sealer(b"1" * 32).open(sealed, ADA) is None


async def test_it_cannot_be_read_nor_changed_at_any_place() -> None:
    sealed = await sealer().seal(CONTENT, ADA)
    data = base64.urlsafe_b64decode(sealed.removeprefix("mg1."))
    assert CONTENT not in data
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        text = "mg1." + base64.urlsafe_b64encode(bytes(changed)).decode()
        assert await sealer().open(text, ADA) is None
    for end in range(len(sealed)):
        assert await sealer().open(sealed[:end], ADA) is None


@given(st.text() | st.text().map("mg1.".__add__))
async def test_nothing_else_opens(text: str) -> None:
    assert await sealer().open(text, ADA) is None


async def test_without_the_secret_nothing_is_sealed_or_opened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def away() -> DigestKey:
        raise storage.store_unreadable()

    sealed = await sealer().seal(CONTENT, ADA)
    assert await AesGcmSealer(away).seal(CONTENT, ADA) == ""
    assert await AesGcmSealer(away).open(sealed, ADA) is None
    assert [it.levelname for it in caplog.records] == ["WARNING", "WARNING"]


def test_a_derived_secret_is_no_digest_of_a_key() -> None:
    key = DigestKey(bytes(32))
    assert key.derive("a") != key.derive("b")
    assert key.derive("a") != key.digest(ApiKey("a"))


def test_the_library_is_imported_on_the_first_use() -> None:
    program = (
        "import sys; from modegate.entrypoints.bootstrap.container import Container;"
        "print('cryptography' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
