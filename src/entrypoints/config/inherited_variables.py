"""Cleans variables that are not settings, but are read by children, proxies, TLS and SDKs."""

from collections.abc import Iterator, Mapping
from dataclasses import field

from modegate.entrypoints.config.value_cleaning import STRAY_QUOTES, clean, impossible_character
from modegate.lazy_dataclass import dataclass

# Sent in headers.
TOKENS = frozenset(
    {
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "OPENAI_ORG_ID",
        "OPENAI_PROJECT_ID",
    }
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
ADDRESSES = frozenset({"ANTHROPIC_BASE_URL", *PROXIES, *(name.lower() for name in PROXIES)})
OTHERS = frozenset(
    {
        "NO_PROXY",
        "no_proxy",
        "CLAUDE_CONFIG_DIR",
        "HOME",
        "NODE_EXTRA_CA_CERTS",
        "PATH",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
    }
)
INHERITED = TOKENS | ADDRESSES | OTHERS


@dataclass(frozen=True, slots=True)
class Inherited:
    """The cleaned variables: changed values, removed characters, and errors, each by name."""

    changes: Mapping[str, str] = field(repr=False)
    removed: Mapping[str, tuple[str, ...]]
    faults: Mapping[str, str]


def clean_inherited(environment: Mapping[str, str]) -> Inherited:
    """Cleans and validates the inherited variables."""
    cleaned = {name: clean(environment[name]) for name in INHERITED if environment.get(name)}
    changed = {name: it for name, it in cleaned.items() if it.value != environment[name]}
    return Inherited(
        changes={name: it.value for name, it in changed.items()},
        removed={name: it.removed for name, it in changed.items()},
        faults=dict(_faults({name: it.value for name, it in cleaned.items()})),
    )


def _faults(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name in TOKENS and not (value.isascii() and value.isprintable() and " " not in value):
            yield name, "must have visible ASCII characters only"
        elif name in ADDRESSES and (" " in value or impossible_character(value)):
            yield name, "must not hold blanks or characters that cannot be seen"
        elif any(letter < " " for letter in value):  # others are valid in paths
            yield name, "must not hold control characters"
        elif value.startswith(STRAY_QUOTES) or value.endswith(STRAY_QUOTES):
            yield name, "must not begin or end with a quotation mark"
