"""The models that were used recently."""

import time
from collections import OrderedDict
from collections.abc import Iterator

# Prewarm only for the `MAX_MODELS` most recently used models, and only within `RECENT_USE_S`
# seconds of their use.
RECENT_USE_S = 3600.0
MAX_MODELS = 3


class RecentModels:
    """Remembers the last use of each CLI model; iterates from the most recent one."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, cli_model: object) -> bool:
        """Whether the model was used recently."""
        return cli_model in self._used

    def __iter__(self) -> Iterator[str]:
        """Yields the models, the most recently used first."""
        return reversed(self._used)

    def note_use(self, cli_model: str) -> None:
        """Records that the model was used now."""
        self._used[cli_model] = time.monotonic()
        self._used.move_to_end(cli_model)

    def forget_old(self) -> None:
        """Removes models that were used too long ago, and those beyond the bound."""
        now = time.monotonic()
        while self._used and (
            len(self._used) > MAX_MODELS or now - next(iter(self._used.values())) > RECENT_USE_S
        ):
            self._used.popitem(last=False)
