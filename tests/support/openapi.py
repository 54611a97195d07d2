"""The OpenAPI document of a gateway with default settings."""

from typing import Any

from modegate.domain.parameters.param_policy import CLAUDE_CODE_RULES
from modegate.domain.routing.model_map import ModelMap
from modegate.entrypoints.http.openapi.document import build_document
from modegate.entrypoints.http.openapi.inputs import Facts

CHAT = "/v1/chat/completions"
FACTS = Facts(
    version="0.1.0",
    models=ModelMap(),
    rules=CLAUDE_CODE_RULES,
    max_body=1024 * 1024,
    wants_key=False,
    wants_metrics_token=False,
)
DOCUMENT: dict[str, Any] = build_document(FACTS)


def without_longest_arrays() -> dict[str, Any]:
    """Returns the document without the bounds of arrays, for requests made from it.

    Schemathesis makes arrays as long as they may be; one of 5,100 messages takes it minutes. Other
    tests reject those that are too long.
    """
    document: dict[str, Any] = _without_bounds(DOCUMENT)
    return document


def _without_bounds(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_bounds(it) for key, it in value.items() if key != "maxItems"}
        case list():
            return [_without_bounds(it) for it in value]
        case _:
            return value


def _without_media_and_results(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_media_and_results(it) for key, it in value.items()}
        case list():
            return [_without_media_and_results(it) for it in value if not _is_media_or_result(it)]
        case _:
            return value


def _is_media_or_result(value: Any) -> bool:
    properties = value.get("properties", {}) if isinstance(value, dict) else {}
    roles = properties.get("role", {}).get("enum", ())
    return "tool" in roles or properties.get("type", {}).get("const") in {"image_url", "file"}


def claude_code_alone() -> dict[str, Any]:
    """Returns the document reduced to new sessions with `X-Claude-Code: true`.

    No upstream is involved, so valid requests are answered and invalid ones rejected.
    """
    document = without_longest_arrays()
    operation = document["paths"][CHAT]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    body["schema"] = {"$ref": "#/components/schemas/ClaudeCodeRequest"}
    del body["examples"]["passthrough"]
    # Whether a schema is valid, and how a model follows it, is not for the document to say.
    claude_code = document["components"]["schemas"]["ClaudeCodeRequest"]["properties"]
    claude_code["response_format"]["anyOf"][-1]["properties"] = {"type": {"const": "text"}}
    # Neither is whether an image is one, a result has its call, or a choice is among the tools.
    claude_code["messages"] = _without_media_and_results(claude_code["messages"])
    for choice in ("tool_choice", "function_call"):
        claude_code[choice]["anyOf"] = claude_code[choice]["anyOf"][-2:]
    others = ("X-Claude-Code", "X-Claude-Session-ID", "X-OpenAI-API-Key")
    operation["parameters"] = [
        header for header in operation["parameters"] if header["name"] not in others
    ]
    del operation["responses"]["default"]
    document["components"]["schemas"]["UpstreamError"] = False
    document["paths"] = {CHAT: {"post": operation}}
    return document
