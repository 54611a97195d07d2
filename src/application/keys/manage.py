"""The use cases of operators: create, list, show, change, revoke and rotate keys of clients."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import field, replace

from modegate.application.keys.fields import NAME, Fields, with_fields
from modegate.application.keys.registry import KeyRegistry
from modegate.application.ports.clock import Clock
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client_key import (
    ID_PREFIX,
    SECRET_PREFIX,
    ClientKey,
    DigestKey,
    KeySource,
)
from modegate.domain.errors.catalogue import keys as errors
from modegate.lazy_dataclass import dataclass

SECRET_BYTES = 32
ID_BYTES = 12


def new_secret() -> ApiKey:
    """Returns a random key of 256 bits, which have 43 characters."""
    return ApiKey(SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES))


def new_id() -> str:
    """Returns a random id of a key."""
    return ID_PREFIX + secrets.token_hex(ID_BYTES)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A key and its new secret, which nothing can show again."""

    key: ClientKey
    secret: ApiKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageKeys:
    """Manages keys; those of the settings are shown, and cannot be changed.

    All methods raise StorageError if the store cannot be used; then nothing was changed.
    """

    registry: KeyRegistry
    clock: Clock
    make_secret: Callable[[], ApiKey] = new_secret
    make_id: Callable[[], str] = new_id

    async def list(self) -> Sequence[ClientKey]:
        """Returns the keys of the settings, then the managed ones from old to new."""
        await self.registry.merge()
        return sorted(self.registry.ring.keys, key=lambda it: it.created_at or 0.0)

    async def show(self, key_id: str) -> ClientKey:
        """Returns a key.

        Raises:
            KeyNotFoundError: no key has this id.
        """
        found = next((it for it in await self.list() if it.id == key_id), None)
        if found is None:
            raise errors.unknown()
        return found

    async def create(self, fields: Fields) -> NewSecret:
        """Makes a key with some fields, of which the name is needed.

        Raises:
            InvalidRequestError: there is no name.
        """
        if NAME not in fields:
            raise errors.no_name()
        digest_key, secret = await self.registry.digest_key(), self.make_secret()
        bare = ClientKey(
            id=self.make_id(),
            name="",
            masked=str(secret),
            created_at=self.clock.time_of_day(),
            digest=digest_key.digest(secret),
        )
        key = with_fields(bare, fields)
        await self.registry.add(key)
        return NewSecret(key, secret)

    async def change(self, key_id: str, fields: Fields) -> ClientKey:
        """Changes some fields of a key, all or none, and returns it.

        Raises:
            KeyNotFoundError: no key has this id.
            KeyReadOnlyError: it is revoked, or belongs to the settings.
        """
        return await self._change(key_id, lambda key: with_fields(_usable(key), fields))

    async def revoke(self, key_id: str) -> ClientKey:
        """Revokes a key for ever, and returns it. Idempotent.

        Raises:
            KeyNotFoundError: no key has this id.
            KeyReadOnlyError: it belongs to the settings.
        """
        now = self.clock.time_of_day()

        def revoked(key: ClientKey) -> ClientKey:
            return replace(key, revoked_at=now if key.revoked_at is None else key.revoked_at)

        return await self._change(key_id, revoked)

    async def rotate(self, key_id: str, grace_s: float) -> NewSecret:
        """Gives a key a new secret; the one before it is accepted for `grace_s` seconds more.

        Raises:
            KeyNotFoundError: no key has this id.
            KeyReadOnlyError: it is revoked, or belongs to the settings.
        """
        digest_key, secret = await self.registry.digest_key(), self.make_secret()
        until = self.clock.time_of_day() + grace_s
        key = await self._change(
            key_id, lambda key: _rotated(_usable(key), secret, digest_key, until)
        )
        return NewSecret(key, secret)

    async def _change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> ClientKey:
        for key in self.registry.ring.keys:
            if key.id == key_id and key.source is not KeySource.ADMIN:
                raise errors.of_settings(key.source)
        return await self.registry.change(key_id, apply)


def _usable(key: ClientKey) -> ClientKey:
    if key.revoked_at is not None:
        raise errors.revoked()
    return key


def _rotated(key: ClientKey, secret: ApiKey, digest_key: DigestKey, until: float) -> ClientKey:
    return replace(
        key,
        masked=str(secret),
        digest=digest_key.digest(secret),
        old_digest=key.digest,
        old_until=until,
    )
