"""What the operator chose for the upstream."""

from dataclasses import dataclass

from modegate.domain.access.api_key import ApiKey

OPENAI = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """Where the upstream is, and how long it may take; times are seconds.

    `first_byte_timeout` bounds the wait for the first byte of an answer, all attempts and the pauses
    between them together; it is `timeout` where it is None. `timeout` bounds what follows: all of a
    whole answer, and each silence of a stream. `models_timeout` bounds a list of models.
    """

    base_url: str | None = None
    api_key: ApiKey | None = None
    enabled: bool = True
    retries: int = 2
    timeout: float = 300.0
    first_byte_timeout: float | None = None
    models_timeout: float = 10.0
    connect_timeout: float = 10.0
    longest_retry_wait: float = 30.0
    clients: int = 256

    @property
    def address(self) -> str:
        """Where the upstream is: OpenAI's own API where the operator names no other."""
        return self.base_url or OPENAI

    @property
    def first_byte(self) -> float:
        """The longest wait for the first byte."""
        return self.timeout if self.first_byte_timeout is None else self.first_byte_timeout

    @property
    def max_retry_delay(self) -> float:
        """The longest pause before another attempt: a good part of the time must be left."""
        return min(self.longest_retry_wait, self.first_byte / 2)
