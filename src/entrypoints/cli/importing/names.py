"""Names that modegate's settings accept."""

import re
from collections.abc import Container

from modegate.entrypoints.config.value_cleaning import clean, text_fault

MAX_NAME_CHARACTERS = 50  # leaves room for a number
MAX_MODEL_CHARACTERS = 256
PATTERN_MARK = "*"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OTHERS = re.compile(r"[^a-z0-9._]+")
# Ids and names that modegate itself gives; `openai` is the upstream that OPENAI_API_KEY makes.
RESERVED = re.compile(r"openai|claude|client|env|anonymous|(key_|env-).*|[0-9a-f]{32}")


def slug(text: str, taken: Container[str], otherwise: str) -> str:
    """Returns a free name for a table or an id that resembles the text."""
    name = OTHERS.sub("-", text.lower()).strip("-._")[:MAX_NAME_CHARACTERS].strip("-._")
    name = name or otherwise
    if RESERVED.fullmatch(name):
        name = f"{otherwise}-{name}"[:MAX_NAME_CHARACTERS]
    return numbered(name, taken, "-")


def numbered(name: str, taken: Container[str], mark: str) -> str:
    """Returns the name, with a number behind it if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}{mark}{number}"
    return free


def is_model(name: str) -> bool:
    """Returns whether settings accept the name of a model, or a pattern with `*` at its end."""
    return (
        0 < len(name) <= MAX_MODEL_CHARACTERS
        and name.isprintable()
        and clean(name).value == name
        and not text_fault(name)
        and PATTERN_MARK not in name.removesuffix(PATTERN_MARK)
    )
