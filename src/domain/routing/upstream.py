"""Upstreams: the remote APIs to which requests are relayed."""

from dataclasses import dataclass

from modegate.domain.credentials.credential import Credential

# The name of the upstream that the settings describe.
OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A remote API at `base_url`, with the server's credentials for it in order of preference."""

    name: str
    base_url: str
    credentials: tuple[Credential, ...] = ()

    @property
    def credential(self) -> Credential | None:
        """The server's first credential; None if only clients' own keys can be used."""
        return self.credentials[0] if self.credentials else None
