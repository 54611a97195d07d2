"""The operator's options for requests to upstreams."""

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """Retries and time limits, in seconds; the same for every upstream.

    `first_byte_timeout` bounds the wait for an answer's first byte, including all retries and their
    delays; None means `timeout`. After that, `timeout` bounds the rest of a complete answer and
    each silence of a stream. `models_timeout` bounds the request for the list of models.
    """

    retries: int = 2
    timeout: float = 300.0
    first_byte_timeout: float | None = None
    models_timeout: float = 10.0
    connect_timeout: float = 10.0
    longest_retry_wait: float = 30.0
    longest_error_body: float = 10.0
    clients: int = 256

    @property
    def first_byte(self) -> float:
        """The maximum wait for the first byte, in seconds."""
        return self.timeout if self.first_byte_timeout is None else self.first_byte_timeout

    @property
    def max_retry_delay(self) -> float:
        """The maximum delay before a retry, in seconds: at most half of `first_byte`."""
        return min(self.longest_retry_wait, self.first_byte / 2)

    @property
    def error_patience(self) -> float:
        """The longest wait for an error's body: all attempts together leave time for pauses."""
        return min(self.longest_error_body, self.first_byte / (3 * (1 + self.retries)))
