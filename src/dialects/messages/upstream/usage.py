"""The usage in a stream of Anthropic's API, which tells it in two events."""

from collections.abc import Mapping

from modegate.dialects.usage.reported import read_usage
from modegate.domain.answer.usage import Usage


class MessageUsage:
    """Joins the counts of `message_start` and `message_delta`, which are sums so far."""

    def __init__(self) -> None:
        self._counts: dict[str, object] = {}

    def add(self, reported: object) -> None:
        """Takes over counts; what is missing, null or 0 is as before."""
        if isinstance(reported, Mapping):
            self._counts |= {name: count for name, count in reported.items() if count}

    @property
    def usage(self) -> Usage | None:
        """The usage so far; None if nothing is known of the prompt."""
        return read_usage({"input_tokens": 0, **self._counts}) if self._counts else None
