"""Reads the prompt and target of `modegate chat` from options, standard input and settings."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import field
from urllib.parse import urlsplit

from modegate.domain.hosts import is_loopback
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.gateway_address import UsageError, named_address, own_address, visible
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.settings_file import FILE_VARIABLE
from modegate.entrypoints.config.sources import CLIENT_KEY_VARIABLE, LoadedSettings
from modegate.entrypoints.config.value_cleaning import clean
from modegate.entrypoints.config.written_settings import FROM_ENVIRONMENT
from modegate.lazy_dataclass import dataclass

STANDARD_INPUT = "-"
UPSTREAM_MODEL = "gpt-4o"
CLAUDE_MODEL = "default"


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """One prompt and the gateway to send it to.

    `named_url` is the address, if the user gave one. Otherwise `named_config` and `variables` are
    the file and the variables that define the address, if any.
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
        """The model of the request."""
        by_default = CLAUDE_MODEL if self.mode is Mode.CLAUDE_CODE else UPSTREAM_MODEL
        return self.named_model or by_default

    @property
    def on_this_machine(self) -> bool:
        """Whether the address is loopback, so that no proxy is used."""
        return is_loopback(urlsplit(self.url).hostname or "")


def read_chat_options(
    options: argparse.Namespace, loaded: LoadedSettings | None, environment: Mapping[str, str]
) -> ChatOptions:
    """Returns the parsed options; `loaded` is None if they include the address.

    Raises:
        UsageError: if there is no prompt, or a value cannot be sent.
    """
    claude = options.claude or options.session is not None
    settings = loaded.settings if loaded else None
    return ChatOptions(
        prompt=_prompt(options.prompt),
        url=f"{_address(options.url, settings)}/v1",
        mode=Mode.CLAUDE_CODE if claude else Mode.PASSTHROUGH,
        key=_key(settings, environment),
        session=visible("--session", options.session),
        named_model=_sendable("--model", options.model),
        named_url=options.url,
        named_config=_named_config(options, environment) if loaded else None,
        variables=tuple(_variables(loaded)) if loaded else (),
    )


def _address(url: str | None, settings: Settings | None) -> str:
    if settings is not None:
        return own_address(settings)
    return named_address(url or "", CLIENT_KEY_VARIABLE)


def _named_config(options: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    return options.config or clean(environment.get(FILE_VARIABLE, "")).value or None


def _variables(loaded: LoadedSettings) -> Iterator[tuple[str, str]]:
    """Yields the environment variables that define the address."""
    for name in ("host", "port"):
        if loaded.sources.get(name) == FROM_ENVIRONMENT:
            yield name.upper(), str(getattr(loaded.settings, name))


def _prompt(given: str | None) -> str:
    prompt = given
    if given is None or given == STANDARD_INPUT:
        if sys.stdin is None or (given is None and sys.stdin.isatty()):
            raise UsageError("no prompt: give PROMPT in quotes, or - to read standard input")
        try:
            prompt = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError:
            raise UsageError("standard input is not UTF-8: convert it and retry") from None
    if prompt is None or not prompt.strip():
        raise UsageError("the prompt is empty: enter a question")
    return _sendable("PROMPT", prompt) or ""


def _sendable(name: str, value: str | None) -> str | None:
    """Returns the text if it can be encoded; arguments in another encoding hold surrogates."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise UsageError(f"{name} is not UTF-8: convert it and retry") from None
    return value


def _key(settings: Settings | None, environment: Mapping[str, str]) -> str | None:
    """Returns a key for the gateway; never OPENAI_API_KEY, which is only for the upstream."""
    if given := clean(environment.get(CLIENT_KEY_VARIABLE, "")).value:
        return visible(CLIENT_KEY_VARIABLE, given)
    keys = settings.all_keys() if settings else ()
    return keys[0].get_secret_value() if keys else None
