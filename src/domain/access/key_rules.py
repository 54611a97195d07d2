"""What the holder of a key may use, and how much of it."""

from dataclasses import field

from modegate.domain.budgets.budget import Budget
from modegate.domain.quota import Limit
from modegate.lazy_dataclass import dataclass

PREFIX_MARK = "*"
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """The rules of a key; empty and None mean that nothing is restricted.

    `models` has exact names and prefixes that end with `*`, and `modes` the values of modes. `mode`
    is that of requests which name none. `rpm` are requests and `tpm` tokens a minute. `concurrency`
    replaces the default of all keys.
    """

    models: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    mode: str | None = None
    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
    budget: Budget | None = None
    # Computed once, because each request of the key needs it.
    rate: Limit | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rate = None if self.rpm is None else Limit("key", self.rpm, MINUTE_S)
        object.__setattr__(self, "rate", rate)

    def allows_mode(self, mode: str) -> bool:
        """Returns whether the key may use a mode."""
        return not self.modes or mode in self.modes

    def allows_model(self, model: str) -> bool:
        """Returns whether the key may use a model, by the name that the client sends."""
        if not self.models or model in self.models:
            return True
        return any(
            it.endswith(PREFIX_MARK) and model.startswith(it.removesuffix(PREFIX_MARK))
            for it in self.models
        )


NO_RULES = KeyRules()
"""The rules of keys without restrictions."""
