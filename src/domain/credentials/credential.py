"""Credentials: what a request to an upstream is authorized with."""

from dataclasses import field

from modegate.domain.access.api_key import ApiKey
from modegate.lazy_dataclass import dataclass

CLIENTS_OWN = "client"


@dataclass(frozen=True, slots=True)
class Credential:
    """A key for an upstream; `id` names it in logs, and the key is not in its `repr`.

    A key that a client sends has the id `CLIENTS_OWN`. `weight` counts under the weighted strategy.
    `expires_at` is in Unix seconds; None means never.
    """

    id: str
    key: ApiKey = field(repr=False)
    weight: int = 1
    expires_at: float | None = None
