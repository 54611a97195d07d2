"""Findings of `modegate doctor`."""

from enum import StrEnum

from modegate.lazy_dataclass import dataclass


class Severity(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warn"
    ERROR = "FAIL"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """The result of one check; `advice` is empty if no action is needed."""

    verdict: Severity
    what: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:4} {self.what}"
        return f"{line}\n     {self.advice}" if self.advice else line
