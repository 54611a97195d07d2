"""The options of the admin API."""

from dataclasses import field

from modegate.domain.access.api_key import ApiKey
from modegate.domain.quota import Limit
from modegate.lazy_dataclass import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminOptions:
    """The keys of operators, and the limit of wrong keys from one address.

    Without a key there is no admin API.
    """

    keys: tuple[ApiKey, ...] = field(default=(), repr=False)
    failures: Limit = field(default_factory=lambda: Limit("admin_failures", 10, MINUTE_S))
