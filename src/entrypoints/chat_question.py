"""What `modegate chat` is to ask, and where: from its options, standard input and the settings."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from modegate.domain.loopback import is_loopback
from modegate.domain.mode import Mode
from modegate.entrypoints.banner import url_of
from modegate.entrypoints.setting_types import base_url
from modegate.entrypoints.settings import Settings
from modegate.entrypoints.settings_file import FILE_VARIABLE
from modegate.entrypoints.settings_sources import CLIENT_KEY_VARIABLE, LoadedSettings
from modegate.entrypoints.value_cleaning import clean
from modegate.entrypoints.written_settings import FROM_ENVIRONMENT

STANDARD_INPUT = "-"
UPSTREAM_MODEL = "gpt-4o"
CLAUDE_MODEL = "default"
# Where a server that listens on every address is reached from its own machine.
REACHED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


class UsageError(Exception):
    """The options ask for something that cannot be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt, and whom to ask.

    `named_url` is the address where the user gave one; else `named_config` and `variables` are the
    file and the variables that the address comes from, as far as they were given.
    """

    prompt: str
    url: str
    mode: Mode
    key: str | None = field(default=None, repr=False)
    session: str | None = None
    named_model: str | None = None
    named_url: str | None = None
    named_config: str | None = None
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def model(self) -> str:
        """The model that is asked for."""
        by_default = CLAUDE_MODEL if self.mode is Mode.CLAUDE_CODE else UPSTREAM_MODEL
        return self.named_model or by_default

    @property
    def on_this_machine(self) -> bool:
        """Whether the address is a loopback one, which no proxy can reach."""
        return is_loopback(urlsplit(self.url).hostname or "")


def read_question(
    options: argparse.Namespace, loaded: LoadedSettings | None, environment: Mapping[str, str]
) -> Question:
    """The question that the options mean; `loaded` is None where they name the address.

    Raises:
        UsageError: no prompt, or something that cannot be sent.
    """
    claude = options.claude or options.session is not None
    settings = loaded.settings if loaded else None
    return Question(
        prompt=_prompt(options.prompt),
        url=_api(options.url) if settings is None else _own_address(settings),
        mode=Mode.CLAUDE_CODE if claude else Mode.PASSTHROUGH,
        key=_key(settings, environment),
        session=_visible("--session", options.session),
        named_model=_sendable("--model", options.model),
        named_url=options.url,
        named_config=_named_config(options, environment) if loaded else None,
        variables=tuple(_variables(loaded)) if loaded else (),
    )


def _named_config(options: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    return options.config or clean(environment.get(FILE_VARIABLE, "")).value or None


def _variables(loaded: LoadedSettings) -> Iterator[tuple[str, str]]:
    """Those of the environment that the address comes from."""
    for name in ("host", "port"):
        if loaded.sources.get(name) == FROM_ENVIRONMENT:
            yield name.upper(), str(getattr(loaded.settings, name))


def _prompt(given: str | None) -> str:
    prompt = given
    if given is None or given == STANDARD_INPUT:
        if sys.stdin is None or (given is None and sys.stdin.isatty()):
            raise UsageError(
                "nothing to ask: give the PROMPT in quotes, or - to read standard input"
            )
        try:
            prompt = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError:
            raise UsageError("standard input is not UTF-8: convert it, and ask again") from None
    if prompt is None or not prompt.strip():
        raise UsageError("the prompt is empty: write what to ask")
    return _sendable("PROMPT", prompt) or ""


def _sendable(name: str, value: str | None) -> str | None:
    """Text that UTF-8 can hold; arguments of another encoding have halves of characters in them."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise UsageError(f"{name} is not UTF-8: convert it, and ask again") from None
    return value


def _visible(name: str, value: str | None) -> str | None:
    """What can stand in a header."""
    if value is not None and not (value and value.isascii() and value.isprintable()):
        raise UsageError(f"{name} has to be visible ASCII characters: copy it once more")
    return value


def _key(settings: Settings | None, environment: Mapping[str, str]) -> str | None:
    """A key of ours; never OPENAI_API_KEY, which is for the upstream and not for any gateway."""
    if given := clean(environment.get(CLIENT_KEY_VARIABLE, "")).value:
        return _visible(CLIENT_KEY_VARIABLE, given)
    keys = settings.all_keys() if settings else ()
    return keys[0].get_secret_value() if keys else None


def _own_address(settings: Settings) -> str:
    host = settings.host.strip("[]")
    return f"{url_of(REACHED.get(host, host), settings.port)}/v1"


def _api(url: str) -> str:
    """The address of the API, whether or not its `/v1` was given."""
    try:
        parts = urlsplit(url)
        has_key = bool(parts.username or parts.password)
        valid = has_key or (url.isascii() and url.isprintable() and bool(base_url(url)))
    except ValueError:
        valid = has_key = False
    if not valid:
        raise UsageError("--url has to be like http://127.0.0.1:3456")
    if has_key:
        raise UsageError(f"--url must not hold a key: set {CLIENT_KEY_VARIABLE}")
    return url.rstrip("/").removesuffix("/v1") + "/v1"
