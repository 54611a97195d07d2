"""Managed keys and keys of the file in the ring."""

from dataclasses import replace
from typing import Any

import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.access.client_key import (
    ClientKey,
    ConfiguredKey,
    DigestKey,
    KeySource,
    KeyState,
)
from modegate.domain.access.key_ring import KeyRing, ManagedKeys
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.configuration import Configuration
from modegate.domain.errors import InvalidKeyError, MissingKeyError, StorageError

NOW = 1_700_000_000.0
DIGESTS = DigestKey(b"test")
NEW, OLD = ApiKey("sk-mg-new-0123456789"), ApiKey("sk-mg-old-0123456789")
PLAIN = ApiKey("sk-plain-0123456789")
KEY = ClientKey(
    id="key_a",
    name="a",
    masked=str(NEW),
    rules=KeyRules(rpm=1),
    digest=DIGESTS.digest(NEW),
    created_at=1.0,
)
NONE = ManagedKeys(DIGESTS, {}, {})


def ring_of(*keys: ClientKey) -> KeyRing:
    return KeyRing([PLAIN]).with_managed(NONE.changed(keys))


def identify(ring: KeyRing, key: ApiKey, now: float = NOW) -> Any:
    return ring.identify(f"Bearer {key.reveal()}", None, lambda: now)


def test_a_managed_key_leads_to_its_client() -> None:
    client = identify(ring_of(KEY), NEW)
    assert (client.id, client.key_id, client.label) == ("key_a", "key_a", str(NEW))
    assert client.rules is KEY.rules
    assert identify(ring_of(KEY), PLAIN).key_id == "env-1"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, KeyState.ACTIVE),
        ({"enabled": False}, KeyState.DISABLED),
        ({"expires_at": NOW}, KeyState.EXPIRED),
        ({"expires_at": NOW + 1}, KeyState.ACTIVE),
        ({"revoked_at": 1.0, "enabled": False, "expires_at": 1.0}, KeyState.REVOKED),
    ],
)
def test_a_key_that_is_not_accepted_says_why(changes: Any, state: KeyState) -> None:
    key = replace(KEY, **changes)
    assert key.state(NOW) is state
    if state is KeyState.ACTIVE:
        assert identify(ring_of(key), NEW).key_id == "key_a"
        return
    with pytest.raises(InvalidKeyError, match=state) as caught:
        identify(ring_of(key), NEW)
    assert caught.value.label == str(NEW)


def test_a_good_key_in_the_other_header_is_enough() -> None:
    ring = ring_of(replace(KEY, enabled=False))
    bearer = f"Bearer {NEW.reveal()}"
    assert ring.identify(bearer, PLAIN.reveal()).key_id == "env-1"
    with pytest.raises(InvalidKeyError, match="disabled"):
        ring.identify(bearer, "wrong")
    with pytest.raises(InvalidKeyError, match="disabled"):
        ring.identify("Bearer wrong", NEW.reveal())


def test_an_old_secret_is_accepted_until_the_end_of_its_grace() -> None:
    key = replace(KEY, old_digest=DIGESTS.digest(OLD), old_until=NOW + 10)
    ring = ring_of(key)
    assert identify(ring, OLD).id == identify(ring, NEW).id
    assert identify(ring, NEW, NOW + 10).key_id == "key_a"
    with pytest.raises(InvalidKeyError, match="new one replaced it"):
        identify(ring, OLD, NOW + 10)


def test_a_change_replaces_the_secrets_of_its_key_only() -> None:
    other = replace(KEY, id="key_b", digest=DIGESTS.digest(ApiKey("sk-mg-other")))
    before = NONE.changed([KEY, other])
    after = before.changed([replace(KEY, digest=DIGESTS.digest(OLD))])
    ring = KeyRing().with_managed(after)
    assert identify(ring, OLD).key_id == "key_a"
    assert identify(ring, ApiKey("sk-mg-other")).key_id == "key_b"
    with pytest.raises(InvalidKeyError):
        identify(ring, NEW)
    assert identify(KeyRing().with_managed(before), NEW).key_id == "key_a"  # snapshots stay


@pytest.mark.parametrize("changes", [{"revoked_at": 1.0}, {"enabled": False}, {"expires_at": 1.0}])
def test_a_ring_with_unusable_keys_only_is_not_open(changes: Any) -> None:
    ring = KeyRing().with_managed(NONE.changed([replace(KEY, **changes)]))
    assert not ring.is_open
    with pytest.raises(MissingKeyError):
        ring.identify(None)


def test_a_ring_whose_keys_could_not_be_read_is_not_open() -> None:
    unread = replace(NONE, is_complete=False)
    ring = KeyRing([PLAIN]).with_managed(unread)
    assert identify(ring, PLAIN).key_id == "env-1"
    with pytest.raises(StorageError):
        identify(ring, NEW)
    assert not KeyRing().with_managed(unread).is_open
    assert KeyRing().with_managed(NONE).identify(None) is ANONYMOUS


def test_keys_of_the_file_are_found_with_their_rules() -> None:
    listed = ClientKey(
        id="search", name="search", masked="****", source=KeySource.FILE, rules=KeyRules(tpm=1)
    )
    secret = ApiKey("sk-mg-of-the-file")
    ring = KeyRing([PLAIN], [ConfiguredKey(listed, secret)], NONE.changed([KEY]))
    client = identify(ring, secret)
    assert (client.id, client.key_id, client.rules.tpm) == ("search", "search", 1)
    assert [key.id for key in ring.keys] == ["env-1", "search", "key_a"]
    assert [key.source for key in ring.keys] == ["environment", "file", "admin"]
    assert len(ring) == 3


def test_a_configuration_from_settings_keeps_the_managed_keys() -> None:
    before = Configuration(keys=ring_of(KEY))
    after = Configuration(keys=KeyRing(), shares_state=True).following(before)
    assert identify(after.keys, NEW).key_id == "key_a"
    assert after.shares_state
    with pytest.raises(InvalidKeyError):
        identify(after.keys, PLAIN)
    own = Configuration(keys=ring_of())
    assert own.following(before) is own


def test_secrets_and_digests_are_not_shown() -> None:
    shown = f"{KEY!r} {DIGESTS!r} {ring_of(KEY).managed!r} {ConfiguredKey(KEY, NEW)!r}"
    for hidden in (NEW.reveal(), repr(KEY.digest), "b'test'"):
        assert hidden not in shown
