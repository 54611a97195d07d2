"""What the operator chose for the upstream."""

from dataclasses import dataclass

from modegate.domain.client import ApiKey

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """Where the upstream is, and how long to bother it; times are seconds.

    `timeout` bounds the wait for a whole answer and, in a stream, for its beginning and each silence.
    """

    base_url: str | None = None
    api_key: ApiKey | None = None
    enabled: bool = True
    retries: int = 2
    timeout: float = 300.0
    connect_timeout: float = 10.0
    longest_retry_wait: float = 30.0
    clients: int = 256

    @property
    def address(self) -> str:
        """Where the upstream is: OpenAI's own API where the operator names no other."""
        return self.base_url or OPENAI

    @property
    def patience(self) -> float:
        """The longest that is waited before another attempt: a good part of the time must be left."""
        return min(self.longest_retry_wait, self.timeout / 2)
