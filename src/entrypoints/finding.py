"""Findings of `modegate doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The severity of a finding."""

    FINE = "ok"
    ODD = "warn"
    BAD = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `advice` says what to do, and is empty if nothing is needed."""

    verdict: Verdict
    what: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:4} {self.what}"
        return f"{line}\n     {self.advice}" if self.advice else line
