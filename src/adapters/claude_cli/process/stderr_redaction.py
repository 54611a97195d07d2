"""Text of a child, made fit for the log."""

import re
from collections.abc import Iterator, Mapping

from modegate.domain.secrets.redactor import redact

SHORTEST_VALUE = 6
# So many letters and digits in a row that stand in a conversation too are no accident.
QUOTE = 12
NO_LETTER = re.compile(r"\\[nrtu\"]|[\W_]")
BEARER = re.compile(r"(?<=[Bb]earer )\S+")
ASSIGNMENT = re.compile(r"\b([A-Z][A-Z0-9_]{2,})=\S+")
PATH = re.compile(r"(?:file://)?(?<![\w/.])(/[\w.@~+-]+){2,}/?")


def redact_stderr(text: str, environment: Mapping[str, str], conversation: str = "") -> str:
    """`text` without keys, paths, values of the environment and lines that quote the conversation."""
    for name, value in environment.items():
        if len(value) >= SHORTEST_VALUE:
            text = text.replace(value, f"<{name}>")
    lines = text.splitlines()
    # A child's words are few, and a conversation may be long: it is passed over once.
    written = frozenset(run for line in lines for run in _runs(line))
    quoted = {run for run in _runs(conversation) if run in written} if written else set()
    shown = ("<conversation>" if not quoted.isdisjoint(_runs(line)) else line for line in lines)
    text = ASSIGNMENT.sub(r"\1=<value>", BEARER.sub("<secret>", redact("\n".join(shown))))
    return PATH.sub("<path>", text).strip()


def _runs(text: str) -> Iterator[str]:
    """Every run of letters and digits of the length of a quote, however they are written."""
    letters = NO_LETTER.sub("", text).lower()
    return (letters[i : i + QUOTE] for i in range(len(letters) - QUOTE + 1))
