"""The API keys that the gateway accepts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from modegate.domain.access.api_key import ApiKey, bearer_key, plain_key
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.access.client_key import (
    SECRET_PREFIX,
    ClientKey,
    ConfiguredKey,
    DigestKey,
    KeySource,
    KeyState,
)
from modegate.domain.errors import InvalidKeyError
from modegate.domain.errors.catalogue import access
from modegate.lazy_dataclass import dataclass

NO_HOLDERS: Mapping[bytes, "Holder"] = {}


@dataclass(frozen=True, slots=True)
class Holder:
    """What a secret leads to. `is_conditional` means that the key's state has to be looked at.

    `until` is the end of a secret that was replaced.
    """

    client: Client
    key: ClientKey
    is_conditional: bool
    until: float | None = None

    @classmethod
    def of(cls, key: ClientKey, client: Client | None = None) -> "Holder":
        """Returns the holder of a key's current secret."""
        return cls(client or key.client, key, not key.is_unconditional)

    def fault(self, now: float) -> InvalidKeyError | None:
        """Returns the error for a secret that is not accepted at a time, or None."""
        state = self.key.state(now)
        if state is not KeyState.ACTIVE:
            return access.unusable_key(self.client.label, state)
        if self.until is not None and self.until <= now:
            return access.replaced_secret(self.client.label)
        return None


@dataclass(frozen=True, slots=True)
class ManagedKeys:
    """The keys that were made while the gateway ran, with their holders by keyed digest.

    `is_complete` is False if some could not be read; then no client is anonymous.
    """

    digest_key: DigestKey
    keys: Mapping[str, ClientKey]
    holders: Mapping[bytes, Holder] = field(repr=False)
    is_complete: bool = True

    def changed(self, keys: Iterable[ClientKey]) -> "ManagedKeys":
        """Returns a copy with keys added, or replaced by their ids."""
        known, holders = dict(self.keys), dict(self.holders)
        for key in keys:
            if (before := known.get(key.id)) is not None:
                holders.pop(before.digest, None)
                holders.pop(before.old_digest or b"", None)
            known[key.id] = key
            holders[key.digest] = Holder.of(key)
            if key.old_digest is not None:
                holders[key.old_digest] = Holder(key.client, key, True, key.old_until)  # noqa: FBT003
        return ManagedKeys(self.digest_key, known, holders)


class KeyRing:
    """The accepted keys. Without any, every client is the anonymous client.

    A disabled, expired or revoked key counts, so that a gateway with keys never opens again. Plain
    keys are those of the environment, with the ids `env-1`, `env-2` and so on, in their order.

    Secrets are found by their digests in dictionaries. That needs no comparison in constant time: a
    client does not control the prefix of a digest, and Python compares digests only when their
    hashes, which have a random key for each process, are equal.
    """

    def __init__(
        self,
        keys: Iterable[ApiKey] = (),
        configured: Iterable[ConfiguredKey] = (),
        managed: ManagedKeys | None = None,
    ) -> None:
        distinct = {key.digest: key for key in keys}
        self._holders = {
            digest: _of_environment(key, f"env-{number}")
            for number, (digest, key) in enumerate(distinct.items(), 1)
        }
        for it in configured:
            self._holders.setdefault(it.secret.digest, Holder.of(it.key))
        self._set_managed(managed)

    def __len__(self) -> int:
        return len(self._holders) + (0 if self.managed is None else len(self.managed.keys))

    @property
    def is_open(self) -> bool:
        """Whether clients need no key."""
        return self._is_open

    @property
    def keys(self) -> Sequence[ClientKey]:
        """All keys: those of the environment, of the file, and then the managed ones."""
        managed = () if self.managed is None else self.managed.keys.values()
        return (*(it.key for it in self._holders.values()), *managed)

    @property
    def digests(self) -> Mapping[str, bytes]:
        """The digests of the secrets that come from the settings, by the ids of their keys."""
        return {it.key.id: digest for digest, it in self._holders.items()}

    def with_managed(self, managed: ManagedKeys | None) -> "KeyRing":
        """Returns a ring with the same keys of the settings, and other managed ones."""
        ring = KeyRing()
        ring._holders = self._holders
        ring._set_managed(managed)
        return ring

    def identify(
        self,
        authorization: str | None,
        api_key: str | None = None,
        time_of_day: Callable[[], float] = time.time,
    ) -> Client:
        """Returns the client whose key is in `authorization`, or is `api_key`; the first counts.

        `authorization` is a value of the header of this name. `time_of_day` returns Unix seconds,
        and is called only for keys that may have expired.

        Raises:
            MissingKeyError: if there is neither a `Bearer` key nor another one.
            InvalidKeyError: if none of the keys is accepted.
            StorageError: if it may be one of the keys that could not be read.
        """
        if self._is_open:
            return ANONYMOUS
        faults: list[InvalidKeyError] = []
        bearer = bearer_key(authorization)
        if bearer is not None and (client := self._find(bearer, time_of_day, faults)) is not None:
            return client
        other = plain_key(api_key)
        if other is not None and (client := self._find(other, time_of_day, faults)) is not None:
            return client
        if bearer is None and other is None:
            raise access.missing_key()
        if faults:
            raise faults[0]
        if self.managed is not None and not self.managed.is_complete:
            raise access.keys_unreadable()
        raise access.unknown_key(str(bearer or other))

    def client_of(self, client_id: str, now: float) -> Client:
        """Returns the client with an id, for work that goes on after its request.

        `now` is in Unix seconds.

        Raises:
            InvalidKeyError: its key is not accepted any more.
            StorageError: it may be one of the keys that could not be read.
        """
        if client_id == ANONYMOUS.id and self._is_open:
            return ANONYMOUS
        holders = (*self._holders.values(), *self._managed_holders.values())
        for holder in holders:
            if holder.client.id == client_id:
                state = holder.key.state(now)
                if state is not KeyState.ACTIVE:
                    raise access.unusable_key(holder.client.label, state)
                return holder.client
        if self.managed is not None and not self.managed.is_complete:
            raise access.keys_unreadable()
        raise access.unknown_key("-")

    def _find(
        self, key: ApiKey, time_of_day: Callable[[], float], faults: list[InvalidKeyError]
    ) -> Client | None:
        """Returns the client of a key; None if it is not accepted, with the fault if it is known."""
        holder: Holder | None = None
        # All secrets of managed keys have the prefix, so that others need one digest only.
        if self._managed_holders and key.reveal().startswith(SECRET_PREFIX):
            holder = self._managed_holders.get(self._digest(key))
        if holder is None:
            holder = self._holders.get(key.digest)
        if holder is None:
            return None
        if holder.is_conditional and (fault := holder.fault(time_of_day())) is not None:
            faults.append(fault)
            return None
        return holder.client

    def _set_managed(self, managed: ManagedKeys | None) -> None:
        self.managed = managed
        self._managed_holders = NO_HOLDERS if managed is None else managed.holders
        self._digest = (managed or NO_KEYS).digest_key.digest
        self._is_open = not len(self) and (managed is None or managed.is_complete)


def _of_environment(key: ApiKey, key_id: str) -> Holder:
    known = ClientKey(id=key_id, name=key_id, masked=str(key), source=KeySource.ENVIRONMENT)
    return Holder.of(known, Client.of(key, key_id))


NO_KEYS = ManagedKeys(DigestKey(b""), {}, {})
"""No managed keys, and none that could not be read."""
