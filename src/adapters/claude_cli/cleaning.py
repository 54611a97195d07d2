"""Text of a child, made fit for the log."""

import re
from collections.abc import Mapping

SHORTEST_VALUE = 6
SECRET = re.compile(
    r"sk-[\w-]{8,}|(?<=[Bb]earer )\S+|AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|xox[abp]-[\w-]{10,}"
    r"|-----BEGIN [A-Z ]+-----[\s\S]*?(-----END [A-Z ]+-----|$)"
)
ASSIGNMENT = re.compile(r"\b([A-Z][A-Z0-9_]{2,})=\S+")
PATH = re.compile(r"(?<![\w:/.])(/[\w.@~+-]+){2,}/?")


def clean(text: str, environment: Mapping[str, str]) -> str:
    """`text` without keys, paths and values of the environment."""
    for name, value in environment.items():
        if len(value) >= SHORTEST_VALUE:
            text = text.replace(value, f"<{name}>")
    text = SECRET.sub("<secret>", text)
    text = ASSIGNMENT.sub(r"\1=<value>", text)
    return PATH.sub("<path>", text).strip()
