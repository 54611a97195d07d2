"""Clients: the holders of API keys."""

from dataclasses import dataclass
from typing import NewType

from modegate.domain.access.api_key import ApiKey

ClientId = NewType("ClientId", str)


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of a key; `id` is derived from the key's digest, `label` is the masked key."""

    id: ClientId
    label: str

    @classmethod
    def of(cls, key: ApiKey) -> "Client":
        """Returns the holder of the key."""
        return cls(ClientId(key.digest.hex()[:32]), str(key))


ANONYMOUS = Client(ClientId("anonymous"), "-")
"""The only client of a gateway without configured keys."""
