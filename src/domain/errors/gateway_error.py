"""The root of the tree: the facts that every error carries."""

from typing import ClassVar, TypedDict, Unpack

from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.wording import NEUTRAL, Wording


class Details(TypedDict, total=False):
    """The optional facts of every error; see `GatewayError`."""

    param: str | None
    remedies: tuple[Remedy, ...]
    retry_after: float | None
    is_repeatable: bool | None
    hint: str | None


class GatewayError(Exception):
    """An error for a client; never holds a body, a path or a key.

    `problem` is a sentence about what was wrong. `remedies` are what to do about it. `str` returns
    both, in the words of `wording`, which fit every entry point unless one sets its own. `param` names the invalid field of the body, or is an
    `Input`. `retry_after` is in seconds; None if unknown. `is_repeatable` states whether the same
    request may succeed on a retry; None if unknown. `hint` is a sentence about what the upstream's
    answer means, which follows the rest.
    """

    code: ClassVar[str] = "backend_error"
    is_repeatable: bool | None = None
    wording: Wording = NEUTRAL

    def __init__(self, problem: str, **details: Unpack[Details]) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedies = details.get("remedies", ())
        self.param = details.get("param")
        self.retry_after = details.get("retry_after")
        self.hint = details.get("hint")
        is_repeatable = details.get("is_repeatable")
        if is_repeatable is not None:
            self.is_repeatable = is_repeatable
        elif self.retry_after is not None:
            self.is_repeatable = True

    def __str__(self) -> str:
        return self.explain(self.wording)

    @property
    def message(self) -> str:
        """What was wrong and what to do; the same as `str`."""
        return str(self)

    def explain(self, wording: Wording) -> str:
        """Returns what was wrong and what to do, in the words of an entry point."""
        told = wording.sentence(self.problem, self.remedies, self.retry_after)
        return told if self.hint is None else f"{told} {self.hint}"
