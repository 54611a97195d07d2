"""`modegate chat`: sends a prompt to a running gateway and prints the answer as it arrives."""

import shlex
import sys
from collections.abc import Iterator

import openai
from openai import DefaultHttpxClient, OpenAI, Stream
from openai.types.chat import ChatCompletionChunk

from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.chat_errors import (
    UNUSABLE_PROXY,
    ChatError,
    explain,
    not_modegate,
    stream_cut,
    stream_failed,
    unusable_certificates,
)
from modegate.entrypoints.cli.chat_options import ChatOptions
from modegate.entrypoints.cli.printable import one_line, strip_control_characters
from modegate.entrypoints.cli.program_name import command_name

MODE_HEADER = "X-Claude-Code"
SESSION_HEADER = "X-Claude-Session-ID"
BACKEND_HEADER = "X-Backend-Mode"


def run_chat(question: ChatOptions) -> int:
    """Prints the answer and returns the exit status: 0 if it is complete, else 1."""
    try:
        session = _ask(question)
    except ChatError as error:
        print(f"modegate: {one_line(str(error))}", file=sys.stderr)
        return 1
    if session:
        print(f"\nsession {session}; continue with:\n  {_next(question, session)}", file=sys.stderr)
    return 0


def _ask(question: ChatOptions) -> str:
    """Prints the answer and returns the session id, empty if there is none.

    Raises:
        ChatError: if there is no complete answer.
    """
    try:
        with _client(question) as client:
            response = client.chat.completions.with_raw_response.create(
                model=question.model,
                messages=[{"role": "user", "content": question.prompt}],
                stream=True,
                extra_headers=_headers(question),
            )
            if BACKEND_HEADER not in response.headers:
                raise ChatError(not_modegate(question))
            with response.parse() as stream:
                _print_whole(stream)
            return strip_control_characters(response.headers.get(SESSION_HEADER, ""))
    except openai.OpenAIError as error:
        raise ChatError(explain(error, question)) from None


def _client(question: ChatOptions) -> OpenAI:
    return OpenAI(
        base_url=question.url,
        api_key=question.key or "unused",
        max_retries=0,
        http_client=_http_client(question),
    )


def _http_client(question: ChatOptions) -> DefaultHttpxClient:
    """Returns a client with this shell's proxies and certificates; without them for loopback."""
    try:
        return DefaultHttpxClient(trust_env=not question.on_this_machine)
    except OSError as error:  # includes SSLError
        raise ChatError(unusable_certificates(error)) from None
    except Exception:  # noqa: BLE001 - invalid proxies raise various exceptions
        raise ChatError(UNUSABLE_PROXY) from None


def _headers(question: ChatOptions) -> dict[str, str]:
    """Returns the headers for the mode, always explicit, and for the session."""
    headers = {MODE_HEADER: str(question.mode is Mode.CLAUDE_CODE).lower()}
    return headers | ({SESSION_HEADER: question.session} if question.session else {})


def _print_whole(stream: Stream[ChatCompletionChunk]) -> None:
    """Prints the answer as it arrives; ends with a newline, also if the answer is cut.

    Raises:
        ChatError: if the stream breaks or ends without a finish reason.
    """
    finished, last = False, "\n"
    try:
        for chunk in _received(stream):
            for choice in chunk.choices:
                if text := choice.delta.content:
                    last = text
                    _print(text)
                finished = finished or choice.finish_reason is not None
    finally:
        if not last.endswith("\n"):
            _print("\n")
    if not finished:
        raise ChatError(stream_cut("the stream ended too early"))


def _received(stream: Stream[ChatCompletionChunk]) -> Iterator[ChatCompletionChunk]:
    """Yields the chunks; converts errors of the SDK and of its libraries to ChatError."""
    try:
        yield from stream
    except openai.APIConnectionError:
        raise ChatError(stream_cut("the connection broke")) from None
    except openai.APIError as error:
        raise ChatError(stream_failed(error)) from None
    except Exception as error:
        raise ChatError(stream_cut(type(error).__name__)) from error


def _print(text: str) -> None:
    """Writes to standard output and flushes; removes control characters for a terminal."""
    print(strip_control_characters(text) if sys.stdout.isatty() else text, end="", flush=True)


def _next(question: ChatOptions, session: str) -> str:
    """Returns the command that continues the session."""
    command = ["chat", "--session", session]
    if question.named_model:
        command += ["--model", question.named_model]
    if question.named_url:
        command += ["--url", question.named_url]
    if question.named_config:
        command += ["--config", question.named_config]
    # Variables instead of --url, because with --url the key of the settings is not sent.
    variables = (f"{name}={shlex.quote(value)}" for name, value in question.variables)
    return " ".join((*variables, command_name(), shlex.join(command), '"…"'))
