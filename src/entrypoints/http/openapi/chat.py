"""`POST /v1/chat/completions`."""

from modegate.domain.errors.catalogue import claude_code
from modegate.entrypoints.http.openapi import examples
from modegate.entrypoints.http.openapi.error_sets import CHAT
from modegate.entrypoints.http.openapi.headers import ANSWERED, SENT
from modegate.entrypoints.http.openapi.responses import (
    HANDED_ON,
    JSON,
    OURS_OR_THE_UPSTREAMS,
    answer,
    json_of,
    refusals,
)
from modegate.entrypoints.http.openapi.schemas.schema import Schema, ref

STREAM = "text/event-stream"


def chat_completions(max_body: int, security: list[Schema]) -> Schema:
    """Describes `POST /v1/chat/completions`."""
    body = {"anyOf": [ref("ClaudeCodeRequest"), ref("PassthroughRequest")]}
    shown = {
        "claude_code": {"value": examples.REQUEST},
        "claude_code_stream": {"value": examples.STREAMED},
        "passthrough": {"value": examples.PASSED_ON},
    }
    return {
        "operationId": "createChatCompletion",
        "tags": ["Chat"],
        "summary": "Answer a conversation",
        "description": (
            "Two headers select the backend. Passthrough relays body and answer byte for byte. "
            "Claude Code answers through the `claude` CLI, in a session whose id is in the headers "
            "of the answer."
        ),
        "security": security,
        "parameters": list(SENT.values()),
        "requestBody": {
            "required": True,
            "description": (
                f"At most {max_body} bytes besides images and files, in UTF-8, uncompressed."
            ),
            "content": {JSON: {"schema": body, "examples": shown}},
        },
        "responses": {
            "200": answer(
                "The answer: complete or, with `stream`, as events.",
                {**json_of("ChatCompletion", claude_code=examples.completion()), **_stream()},
                headers=ANSWERED,
            ),
            **refusals(CHAT, OURS_OR_THE_UPSTREAMS, headers=ANSWERED),
            "default": answer(HANDED_ON, {"*/*": {}}, headers=ANSWERED),
        },
    }


def _stream() -> dict[str, Schema]:
    return {
        STREAM: {
            "schema": ref("Event"),
            "examples": {
                "whole": {"value": examples.stream()},
                "stream_error": {"value": examples.cut_stream(claude_code.failed())},
            },
        }
    }
