"""A simulated provider that takes thoughts back as Anthropic does.

Its models sign each thought, and reject one that another model made, that was changed, or that
stands behind another system prompt than the one it was made with. A message with nothing in it is
rejected, too, and with a budget of tokens an answer that goes on after its calls without a thought.
"""

from typing import Any

from modegate.simulator.anthropic_api import SIGNATURE, AnthropicDialect
from modegate.simulator.api import JSON, Fails, encode
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

INVALID = "messages.1.content.0: Invalid `signature` in `thinking` block"
EXPECTED = (
    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`"
)
WITHOUT_CONTENT = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5",
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 7, "output_tokens": 9},
}
EMPTY = "messages.1: all messages must have non-empty content"


class StrictProvider(SimulatedProvider):
    """Rejects what Anthropic rejects; `made` has the system prompt and model of each thought.

    With `learns`, a thought was made with those of the first request that holds it.
    """

    def __init__(self, *, learns: bool = False) -> None:
        super().__init__()
        self._learns = learns
        self.made: dict[str, tuple[object, object]] = {}
        self.rejected = 0
        self.blocks: list[Any] = []  # of the next answer, as they are

    def thinks(self, thought: str, system: object, model: str) -> str:
        """Makes a thought known, and returns it."""
        self.made[thought] = system, model
        return thought

    async def _answer(self, request: Request, reply: Reply) -> None:
        fault = self._fault(request.json) if request.path.startswith("/v1/messages") else None
        if fault is None and self.blocks:
            blocks, self.blocks = self.blocks, []
            message = WITHOUT_CONTENT | {"content": blocks}
            await reply.whole(200, encode(message), JSON)
            return
        if fault is None:
            await super()._answer(request, reply)
            return
        self.rejected += 1
        body = encode(AnthropicDialect().error(Fails(400, fault)))
        await reply.whole(400, body, JSON)

    def _fault(self, body: Any) -> str | None:
        for message in body.get("messages", ()):
            if message["role"] == "assistant" and not message["content"]:
                return EMPTY
        made_with = body.get("system"), body.get("model")
        for block in thoughts_in(body):
            if self._learns:
                self.made.setdefault(block["thinking"], made_with)
            is_own = self.made.get(block["thinking"]) == made_with
            if not is_own or block["signature"] != SIGNATURE:
                return INVALID
        has_budget = body.get("thinking", {}).get("type") == "enabled"
        return EXPECTED if has_budget and goes_on_without_thought(body["messages"]) else None


def goes_on_without_thought(messages: Any) -> bool:
    """Returns whether the last message has results of calls, and the one before begins with none."""
    if not any(it["type"] == "tool_result" for it in messages[-1]["content"] if "type" in it):
        return False
    return str(messages[-2]["content"][0]["type"]) != "thinking"


def thoughts_in(body: Any) -> list[Any]:
    """Returns the thinking blocks of a request."""
    said = [it["content"] for it in body.get("messages", ()) if isinstance(it["content"], list)]
    return [it for blocks in said for it in blocks if it["type"] == "thinking"]
