"""Text of a child, made fit for the log."""

import re
from collections.abc import Mapping

from modegate.domain.redaction import redact

SHORTEST_VALUE = 6
SHORTEST_LINE = 8
BEARER = re.compile(r"(?<=[Bb]earer )\S+")
ASSIGNMENT = re.compile(r"\b([A-Z][A-Z0-9_]{2,})=\S+")
PATH = re.compile(r"(?:file://)?(?<![\w/.])(/[\w.@~+-]+){2,}/?")


def clean(text: str, environment: Mapping[str, str], prompt: str = "") -> str:
    """`text` without keys, paths, values of the environment and lines of the prompt."""
    for name, value in environment.items():
        if len(value) >= SHORTEST_VALUE:
            text = text.replace(value, f"<{name}>")
    for line in map(str.strip, prompt.splitlines() if text else ()):
        if len(line) >= SHORTEST_LINE:
            text = text.replace(line, "<prompt>")
    text = ASSIGNMENT.sub(r"\1=<value>", BEARER.sub("<secret>", redact(text)))
    return PATH.sub("<path>", text).strip()
