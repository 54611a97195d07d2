"""Clients: the holders of API keys."""

from dataclasses import dataclass
from typing import NewType

from modegate.domain.access.api_key import ApiKey

ClientId = NewType("ClientId", str)


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of a key; `label` is the masked key.

    `id` is the owner of sessions, derived from the key's digest. `key_id` is the id of the key in
    usage, metrics and the admin API.
    """

    id: ClientId
    label: str
    key_id: str

    @classmethod
    def of(cls, key: ApiKey, key_id: str) -> "Client":
        """Returns the holder of the key."""
        return cls(ClientId(key.digest.hex()[:32]), str(key), key_id)


ANONYMOUS = Client(ClientId("anonymous"), "-", "anonymous")
"""The only client of a gateway without configured keys."""
