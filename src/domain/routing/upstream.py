"""Upstreams: the remote APIs to which requests are relayed."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from types import MappingProxyType

from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.error_rules import ErrorRule
from modegate.domain.credentials.selection import Strategy
from modegate.domain.dialect_name import DialectName
from modegate.domain.routing.capability import ALL_CAPABILITIES, Capability
from modegate.lazy_dataclass import dataclass

# The name of the upstream that the settings without a table describe.
OPENAI = "openai"

NOTHING: Mapping[str, str] = MappingProxyType({})


class UpstreamKind(StrEnum):
    """The API that an upstream speaks."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A remote API at `base_url`, with the server's credentials for it in order of preference.

    `models` has exact names and prefixes that end with `*`; empty means that it lists none.
    `headers` are added to each request. `drop_params` are removed from each body. `limits_chat`
    states whether some chat requests cannot be sent to it. With `usage_in_streams` it is asked for the
    usage of streams whose clients do not ask. Without
    `has_batches` the gateway keeps files and runs batches for it. It answers requests for responses
    if it `has_responses`; with None, it is asked. `default_max_tokens` is the maximum for requests that
    name none, where the API demands one.
    """

    name: str
    base_url: str
    credentials: tuple[Credential, ...] = ()
    kind: UpstreamKind = UpstreamKind.OPENAI
    strategy: Strategy = Strategy.FILL_FIRST
    models: tuple[str, ...] = ()
    prefix: str | None = None
    model_aliases: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    drop_params: frozenset[str] = frozenset()
    capabilities: frozenset[Capability] = ALL_CAPABILITIES
    repair_tool_ids: bool = False
    usage_in_streams: bool = False
    has_batches: bool = True
    has_responses: bool | None = None
    default_max_tokens: int = 8192
    error_rules: tuple[ErrorRule, ...] = ()
    # Read for each chat request, so it is computed once.
    limits_chat: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_limited = self.kind is not UpstreamKind.OPENAI or self.capabilities < ALL_CAPABILITIES
        object.__setattr__(self, "limits_chat", is_limited)

    def speaks(self, dialect: DialectName) -> bool | None:
        """Returns whether it answers in a dialect; None if that is not known."""
        if self.kind is UpstreamKind.ANTHROPIC:
            return dialect is DialectName.MESSAGES
        if dialect is DialectName.RESPONSES:
            return self.has_responses
        return dialect is DialectName.CHAT

    @property
    def credential(self) -> Credential | None:
        """The server's first credential; None if only clients' own keys can be used."""
        return self.credentials[0] if self.credentials else None

    @property
    def changes_bodies(self) -> bool:
        """Whether some request's body is changed for a reason other than its model."""
        return bool(self.drop_params) or self.repair_tool_ids

    @property
    def asks_for_usage(self) -> bool:
        """Whether streams are asked for their usage."""
        return self.usage_in_streams and "stream_options" not in self.drop_params

    def with_credentials(self, changed: Mapping[str, Credential]) -> "Upstream":
        """Returns the upstream with other credentials by id; itself without a difference."""
        credentials = tuple(changed.get(it.id, it) for it in self.credentials)
        return self if credentials == self.credentials else replace(self, credentials=credentials)
