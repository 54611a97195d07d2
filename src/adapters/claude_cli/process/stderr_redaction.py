"""Redacts a child's standard error for the log."""

import re
from collections.abc import Iterator, Mapping

from modegate.domain.secrets.redactor import redact

SHORTEST_VALUE = 6
# Shortest run of alphanumerics that counts as a quote of the conversation.
QUOTE = 12
NO_LETTER = re.compile(r"\\[nrtu\"]|[\W_]")
BEARER = re.compile(r"(?<=[Bb]earer )\S+")
ASSIGNMENT = re.compile(r"\b([A-Z][A-Z0-9_]{2,})=\S+")
PATH = re.compile(r"(?:file://)?(?<![\w/.])(/[\w.@~+-]+){2,}/?")


def redact_stderr(text: str, environment: Mapping[str, str], conversation: str = "") -> str:
    """Removes keys, paths, environment values and lines that quote the conversation."""
    for name, value in environment.items():
        if len(value) >= SHORTEST_VALUE:
            text = text.replace(value, f"<{name}>")
    lines = text.splitlines()
    # Standard error is short and a conversation may be long, so scan the conversation once.
    written = frozenset(run for line in lines for run in _runs(line))
    quoted = {run for run in _runs(conversation) if run in written} if written else set()
    shown = ("<conversation>" if not quoted.isdisjoint(_runs(line)) else line for line in lines)
    text = ASSIGNMENT.sub(r"\1=<value>", BEARER.sub("<secret>", redact("\n".join(shown))))
    return PATH.sub("<path>", text).strip()


def _runs(text: str) -> Iterator[str]:
    """Yields every run of `QUOTE` alphanumerics, ignoring case, escapes and punctuation."""
    letters = NO_LETTER.sub("", text).lower()
    return (letters[i : i + QUOTE] for i in range(len(letters) - QUOTE + 1))
