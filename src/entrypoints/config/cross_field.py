"""Settings that are right one by one, and do not fit one another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CrossFieldError:
    """A fault of the setting `name`, which nobody can tell while one of `needs` is wrong itself."""

    name: str
    message: str
    needs: frozenset[str] = frozenset()


class CrossFieldValueError(ValueError):
    """What pydantic collects; `misfits` are all that there are."""

    def __init__(self, misfits: tuple[CrossFieldError, ...]) -> None:
        super().__init__("; ".join(f"{misfit.name}: {misfit.message}" for misfit in misfits))
        self.misfits = misfits
