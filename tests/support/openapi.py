"""The OpenAPI document of a gateway with default settings."""

import copy
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


def claude_code_alone() -> dict[str, Any]:
    """Returns the document reduced to new sessions with `X-Claude-Code: true`.

    No upstream is involved, so valid requests are answered and invalid ones rejected.
    """
    document: dict[str, Any] = copy.deepcopy(DOCUMENT)
    operation = document["paths"][CHAT]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    body["schema"] = {"$ref": "#/components/schemas/ClaudeCodeRequest"}
    del body["examples"]["passthrough"]
    # Whether a schema is valid, and how a model follows it, is not for the document to say.
    claude_code = document["components"]["schemas"]["ClaudeCodeRequest"]["properties"]
    claude_code["response_format"] = {"const": {"type": "text"}}
    others = ("X-Claude-Code", "X-Claude-Session-ID", "X-OpenAI-API-Key")
    operation["parameters"] = [
        header for header in operation["parameters"] if header["name"] not in others
    ]
    del operation["responses"]["default"]
    document["components"]["schemas"]["UpstreamError"] = False
    document["paths"] = {CHAT: {"post": operation}}
    return document
