"""What `modegate doctor` finds."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding is."""

    FINE = "ok"
    ODD = "warn"
    BAD = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do, where anything is to be done."""

    verdict: Verdict
    what: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:4} {self.what}"
        return f"{line}\n     {self.advice}" if self.advice else line
