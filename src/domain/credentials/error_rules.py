"""Rules of an operator for an upstream's errors, as exceptions to the table of verdicts."""

from collections.abc import Sequence
from enum import StrEnum

from modegate.lazy_dataclass import dataclass

# Error texts are short; a longer body is not searched further.
SEARCHED_BYTES = 8192


class Action(StrEnum):
    """What follows an error; the values are those of the setting `then`."""

    STOP = "stop"
    NEXT = "next"
    COOL = "cool"
    COOL_AND_NEXT = "cool-and-next"

    @property
    def tries_next(self) -> bool:
        """Whether another credential is tried."""
        return self in {Action.NEXT, Action.COOL_AND_NEXT}

    @property
    def cools(self) -> bool:
        """Whether the credential cools down."""
        return self in {Action.COOL, Action.COOL_AND_NEXT}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """Matches errors by status, by a text in the body in any case, or by both.

    `for_s` is the cool-down in seconds.
    """

    then: Action
    status: int | None = None
    contains: str | None = None
    for_s: float = 60.0

    def matches(self, status: int, body: bytes) -> bool:
        """Returns whether the rule applies to an error."""
        if self.status is not None and self.status != status:
            return False
        if self.contains is None:
            return True
        text = body[:SEARCHED_BYTES].decode("utf-8", "replace")
        return self.contains.lower() in text.lower()


def find_rule(rules: Sequence[ErrorRule], status: int, body: bytes) -> ErrorRule | None:
    """Returns the first rule that matches, in the order of the file."""
    return next((rule for rule in rules if rule.matches(status, body)), None)
