"""Clients: the holders of API keys."""

from typing import NewType

from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.key_rules import NO_RULES, KeyRules
from modegate.lazy_dataclass import dataclass

ClientId = NewType("ClientId", str)


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of a key; `label` is the masked key.

    `id` is the owner of sessions. `key_id` is the id of the key in usage, metrics and the admin
    API. `rules` are those of the key; `NO_RULES` itself without any.
    """

    id: ClientId
    label: str
    key_id: str
    rules: KeyRules = NO_RULES

    @classmethod
    def of(cls, key: ApiKey, key_id: str) -> "Client":
        """Returns the holder of a key of the environment, whose id is derived from its digest."""
        return cls(ClientId(key.digest.hex()[:32]), str(key), key_id)


ANONYMOUS = Client(ClientId("anonymous"), "-", "anonymous")
"""The only client of a gateway without configured keys."""
