"""Error messages of `modegate chat`: what was wrong, then what to do."""

import re
import ssl
from collections.abc import Iterator

import openai

from modegate.domain.access.client_key import KeyState
from modegate.domain.errors import GatewayError, ModelNotFoundError, Remedy
from modegate.domain.errors.catalogue import (
    access,
    claude_code,
    routing,
    sessions,
    upstream,
)
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.chat_options import ChatOptions
from modegate.entrypoints.cli.program_name import command_name
from modegate.entrypoints.cli.wording import CLIENT, OPTIONS
from modegate.entrypoints.http.messages.errors import INCOMPLETE
from modegate.entrypoints.http.messages.wording import HEADERS, HINT

A_MOMENT_S = "1"  # where an answer names no time
NOT_FOUND = 404
OTHER_MODEL = "choose another with --model, or add --claude to use Claude Code"
# In the gateway's message, around the names that it knows.
KNOWN_MODELS = re.compile(r"only (.*) \(\*", re.DOTALL)

UNUSABLE_PROXY = (
    "the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: name one that begins with "
    "http:// or https://, or unset it"
)


class ChatError(Exception):
    """There is no complete answer; the message contains the reason and advice."""


def unusable_certificates(error: OSError) -> str:
    """Returns the message for unreadable certificates named in the environment."""
    reason = "no certificates" if isinstance(error, ssl.SSLError) else error.strerror
    return (
        f"the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be used ({reason}): name a PEM "
        "file or its folder, or unset it"
    )


def explain(error: openai.OpenAIError, question: ChatOptions) -> str:
    """Returns the message for an error of the SDK."""
    match error:
        case openai.APITimeoutError():
            return f"{question.url} did not answer in time: check its log, or retry"
        case openai.APIConnectionError():
            return _unreached(error, question)
        case openai.APIStatusError():
            return _refusal(error, question)
        case _:
            return str(error)


def _unreached(error: openai.APIConnectionError, question: ChatOptions) -> str:
    if not any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return (
            f"cannot connect to {question.url}: start a gateway with `{command_name()} serve`, "
            "or choose another with --url"
        )
    plain = question.url.replace("https://", "http://", 1).removesuffix("/v1")
    return (
        f"the server at {question.url} does not speak TLS, or its certificate is not trusted: "
        f"try --url {plain}, or set SSL_CERT_FILE"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__


def stream_cut(reason: str) -> str:
    """Returns the message for a stream that was cut."""
    return f"the answer was cut: {reason.rstrip('.')}: retry"


def stream_failed(error: openai.APIError) -> str:
    """Returns the message for an error event in a stream; the gateway's own has its advice."""
    reason = _in_options(error.message.removeprefix(INCOMPLETE), None)
    return f"the answer was cut: {reason.rstrip('.')}"


def not_modegate(question: ChatOptions) -> str:
    """Returns the message for a server that is not modegate."""
    return f"the server at {question.url} is not modegate: check --url, or HOST and PORT"


def _refusal(error: openai.APIStatusError, question: ChatOptions) -> str:
    told = error.body if isinstance(error.body, dict) else {}
    message = told.get("message")
    if not isinstance(message, str):
        return f"{not_modegate(question)} (HTTP {error.status_code})"
    if "www-authenticate" in error.response.headers:
        return _key_error(message, question).explain(CLIENT).rstrip(".")
    if error.code == ModelNotFoundError.code:
        return _no_model(message, question)
    if error.status_code == NOT_FOUND and not error.code and question.mode is Mode.PASSTHROUGH:
        return f"{message.rstrip('.')} (HTTP {error.status_code}): {OTHER_MODEL}"
    if reworded := _with_options(message, question):
        return reworded.rstrip(".")
    reworded = _in_options(message, error.response.headers.get("retry-after"))
    hint = error.response.headers.get(HINT)
    shown = "" if hint is None else f". {hint.rstrip('.')}"
    return f"{reworded.rstrip('.')} (HTTP {error.status_code}){shown}"


def _key_error(message: str, question: ChatOptions) -> GatewayError:
    """Returns the error that a message about the key is of."""
    if not question.key:
        return access.missing_key()
    known = (*(access.unusable_key("", it) for it in KeyState), access.replaced_secret(""))
    found = (it for it in known if it.explain(HEADERS) == message)
    return next(found, access.unknown_key(""))


def _with_options(message: str, question: ChatOptions) -> str | None:
    """Returns the gateway's message with options in place of headers, if it names any."""
    with_headers = (
        sessions.unknown((question.session or "").lower()),
        sessions.invalid_id(),
        sessions.conversation_lost(),
        sessions.busy(),
        upstream.not_configured(),
        upstream.disabled(),
        claude_code.unavailable(),
        claude_code.too_long(),
        routing.no_such_endpoint(),
        access.mode_not_allowed(Mode.PASSTHROUGH, (Mode.CLAUDE_CODE,), Remedy.USE_CLAUDE_CODE),
        access.mode_not_allowed(Mode.CLAUDE_CODE, (Mode.PASSTHROUGH,), Remedy.USE_PASSTHROUGH),
    )
    found = (it.explain(CLIENT) for it in with_headers if it.explain(HEADERS) == message)
    return next(found, None)


def _in_options(message: str, retry_after: str | None) -> str:
    """Returns a message with the words of HTTP replaced by those of the command line."""
    seconds = retry_after or A_MOMENT_S
    for remedy, words in OPTIONS.items():
        if words and (over_http := HEADERS.words[remedy]):
            message = message.replace(over_http, words.format(seconds=seconds))
    return message


def _no_model(message: str, question: ChatOptions) -> str:
    if question.mode is Mode.PASSTHROUGH:
        return f"the upstream has no model {question.model}: {OTHER_MODEL}"
    if valid := KNOWN_MODELS.search(message):
        named = f"choose another with --model, one of: {valid[1]}"
        return f"Claude Code has no model {question.model}: {named}"
    return _in_options(message, None).rstrip(".")
