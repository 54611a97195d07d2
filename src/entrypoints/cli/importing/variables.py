"""Chooses variables for secrets, which are never printed."""

import re
from dataclasses import field

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.names import VARIABLE, numbered
from modegate.entrypoints.cli.importing.node import Node
from modegate.lazy_dataclass import dataclass

REFERENCE = re.compile(r"os\.environ/(\w+)|\$\{(\w+)\}", re.ASCII)


@dataclass(slots=True)
class Variables:
    """The variables of the secrets of one file; the same secret gets the same one."""

    carried: Carried
    taken: set[str] = field(default_factory=set)
    _of: dict[str, str] = field(default_factory=dict, repr=False)

    def of(self, secret: Node, suggested: str, what: str = "the value of") -> str:
        """Returns the variable of a secret: the one that it names, else one like `suggested`.

        `what` tells what the operator has to put there, before the place of the secret.
        """
        text = str(secret.value).strip()
        if name := referenced(text):
            self.taken.add(name)
            return name
        if text not in self._of:
            self._of[text] = self.free(suggested)
        self.carried.ask(f"set {self._of[text]} to {what} {secret.where}")
        return self._of[text]

    def free(self, suggested: str) -> str:
        """Returns a variable that no other secret has."""
        name = numbered(suggested, self.taken, "_")
        self.taken.add(name)
        return name


def referenced(text: str) -> str | None:
    """Returns the variable that `os.environ/X` or `${X}` names; None if it is a value."""
    found = REFERENCE.fullmatch(text)
    name = found and found[found.lastindex or 0]
    return name if name and VARIABLE.fullmatch(name) else None
