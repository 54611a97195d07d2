"""The holders of API keys."""

from dataclasses import dataclass
from typing import NewType

from modegate.domain.access.api_key import ApiKey

ClientId = NewType("ClientId", str)


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of a key: `id` is derived from its digest, `label` is for the log."""

    id: ClientId
    label: str

    @classmethod
    def of(cls, key: ApiKey) -> "Client":
        """Returns the holder of the key."""
        return cls(ClientId(key.digest.hex()[:32]), str(key))


ANONYMOUS = Client(ClientId("anonymous"), "-")
"""The only client where no keys are configured."""
