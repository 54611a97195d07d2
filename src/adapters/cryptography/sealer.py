"""Seals what a client keeps, with AES-256-GCM."""

import base64
import binascii
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from modegate.domain.access.client import ClientId
from modegate.domain.access.client_key import DigestKey
from modegate.domain.conversation.thought import SEALED
from modegate.domain.errors import StorageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12  # as the standard recommends

log = logging.getLogger(__name__)


class AesGcmSealer:
    """Seals with a key of its own for each client, which is derived from the secret of all keys.

    `secret` returns that secret. It is the same for all gateways that share a store or a state
    folder, and outlives them. The library takes 9 MiB (50.0.2), so it is imported on the first use.
    """

    def __init__(self, secret: Callable[[], Awaitable[DigestKey]]) -> None:
        self._secret = secret

    async def seal(self, content: bytes, client: ClientId) -> str:
        """Returns the content as text that only this gateway can read, for this client.

        Empty without the secret: an answer is worth more than what a client keeps of it.
        """
        cipher, nonce = await self._cipher(client), os.urandom(NONCE_BYTES)
        if cipher is None:
            return ""
        sealed = nonce + cipher.encrypt(nonce, content, SEALED.encode())
        return SEALED + base64.urlsafe_b64encode(sealed).decode()

    async def open(self, sealed: str, client: ClientId) -> bytes | None:
        """Returns what was sealed for the client; None if it was not, or has been changed."""
        if not sealed.startswith(SEALED):
            return None
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        cipher = await self._cipher(client)
        if cipher is None:
            return None
        try:
            data = base64.b64decode(sealed.removeprefix(SEALED), altchars=b"-_", validate=True)
            return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], SEALED.encode())
        except (InvalidTag, binascii.Error, ValueError):
            return None

    async def _cipher(self, client: ClientId) -> "AESGCM | None":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        try:
            secret = await self._secret()
        except StorageError as error:
            log.warning("reasoning neither sealed nor opened: %s", error)
            return None
        return AESGCM(secret.derive(f"sealed for {client}"))
