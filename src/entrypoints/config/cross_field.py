"""Errors between settings that are each valid."""

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CrossFieldError:
    """A cross-field error on `name`; skipped while a field in `needs` is itself invalid."""

    name: str
    message: str
    needs: frozenset[str] = frozenset()


class CrossFieldValueError(ValueError):
    """Carries all cross-field errors through pydantic, in `misfits`."""

    def __init__(self, misfits: tuple[CrossFieldError, ...]) -> None:
        super().__init__("; ".join(f"{misfit.name}: {misfit.message}" for misfit in misfits))
        self.misfits = misfits
