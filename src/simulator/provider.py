"""A simulated provider of both APIs: Anthropic's Messages and OpenAI's Chat Completions.

Every answer is labelled as simulated. A test scripts the next answers:

    provider = SimulatedProvider()
    async with provider.running() as url:
        provider.script(Fails(529), Says("Hello there."))
"""

import json
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from modegate.simulator.anthropic_api import AnthropicDialect
from modegate.simulator.api import JSON, Fails, ProviderApi, Says, encode
from modegate.simulator.loopback_server import Handler, LoopbackServer, Reply, Request
from modegate.simulator.openai_api import OpenAIDialect
from modegate.simulator.sample import sample_of

LABEL = "[simulated]"
# The claude CLI's tool for structured output, whose input is the document.
STRUCTURED_OUTPUT = "StructuredOutput"
ECHOED = 60


Step = Says | Fails | Handler


class SimulatedProvider:
    """Plays its script, then echoes prompts; `delay` is the time between words, in seconds.

    A request for a document in a form gets a small one in that form.
    """

    def __init__(self, *, delay: float = 0.0) -> None:
        self._delay = delay
        self._script: deque[Step] = deque()
        self._server = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """The base URL, without a path, while the server runs."""
        return self._server.url

    @property
    def requests(self) -> list[Request]:
        """Every request received so far."""
        return self._server.requests

    @property
    def abandoned(self) -> int:
        """The number of clients that disconnected before the end of their response."""
        return self._server.abandoned

    @property
    def under_way(self) -> int:
        """The number of requests in progress."""
        return self._server.under_way

    def script(self, *steps: Step) -> None:
        """Appends steps to the script; each answers one request."""
        self._script.extend(steps)

    def clear(self) -> None:
        """Discards the steps that have not been played."""
        self._script.clear()

    def running(self) -> AbstractAsyncContextManager[str]:
        """Serves on loopback while the context is open; the value is the base URL."""
        return self._server.running()

    async def _answer(self, request: Request, reply: Reply) -> None:
        path = request.path.partition("?")[0]
        if path == "/v1/models":
            is_anthropic = "anthropic-version" in request.headers
            await reply.whole(200, encode(CLAUDE_MODELS if is_anthropic else MODELS), JSON)
        elif path == "/v1/messages/count_tokens":
            await reply.whole(200, encode({"input_tokens": len(request.body)}), JSON)
        elif path == "/v1/messages":
            await self._play(request, reply, AnthropicDialect())
        elif path == "/v1/chat/completions":
            await self._play(request, reply, OpenAIDialect())
        else:
            await reply.whole(404, NOT_SIMULATED, JSON)

    async def _play(self, request: Request, reply: Reply, dialect: ProviderApi) -> None:
        step = self._script.popleft() if self._script else self._echo(request)
        if isinstance(step, Says):
            await dialect.say(request, reply, step)
        elif isinstance(step, Fails):
            await reply.whole(step.status, encode(dialect.error(step)), {**JSON, **step.headers})
        else:
            await step(request, reply)

    def _echo(self, request: Request) -> Step:
        model = str(request.json.get("model", ""))
        if request.path.startswith("/v1/chat") and not model.startswith("gpt-"):
            return Fails(404, f"The model `{model}` does not exist")
        if (document := structured_answer(request.json)) is not None:
            return replace(document, delay=self._delay)
        said = " ".join(last_user_text(request.json).split())
        short = said if len(said) <= ECHOED else f"{said[:ECHOED]}…"
        return Says(f"{LABEL} No model was asked. You said: “{short}”", self._delay)


NOT_SIMULATED = encode(
    {
        "error": {
            "message": "The simulation has chat completions and models only.",
            "type": "invalid_request_error",
            "param": None,
            "code": "not_simulated",
        }
    }
)
MODELS = {
    "object": "list",
    "data": [
        {"id": "gpt-5-simulated", "object": "model", "created": 0, "owned_by": "modegate-offline"}
    ],
}

CLAUDE_MODELS = {
    "data": [
        {
            "type": "model",
            "id": "claude-simulated",
            "display_name": "Simulated",
            "created_at": "2026-09-28T00:00:00Z",
        }
    ],
    "has_more": False,
    "first_id": "claude-simulated",
    "last_id": "claude-simulated",
}


def structured_answer(body: Mapping[str, object]) -> Says | None:
    """Returns an answer in the form that a request demands; None if it demands none.

    The claude CLI demands it with a tool, and chat completions with `response_format`.
    """
    tools = body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, Mapping) and tool.get("name") == STRUCTURED_OUTPUT:
            document = json.dumps(sample_of(tool.get("input_schema")))
            return Says(document, tool=STRUCTURED_OUTPUT, stop="tool_use")
    form = body.get("response_format")
    if not isinstance(form, Mapping) or form.get("type") not in ("json_schema", "json_object"):
        return None
    named = form.get("json_schema")
    schema = named.get("schema") if isinstance(named, Mapping) else None
    return Says(json.dumps(sample_of(schema)))


def last_user_text(body: Mapping[str, object]) -> str:
    """Returns the last user message; the claude CLI adds a `system` message after it."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content or ())
    return ""
