"""Clients of a fleet, which check that each request gets exactly one good answer."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

from openai import AsyncOpenAI

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

PROMPT_TOKENS, COMPLETION_TOKENS = 7, 3
USAGE = {
    "prompt_tokens": PROMPT_TOKENS,
    "completion_tokens": COMPLETION_TOKENS,
    "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
}
# Seconds between the pieces of an answer: so long, requests are under way.
PAUSE_S = 0.3
CLAUDE = {"X-Claude-Code": "true"}


class Upstream:
    """An upstream that repeats what it was asked, and counts by gateway and by text."""

    def __init__(self) -> None:
        self.server = LoopbackServer(self._answer)
        self.gateways: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()

    async def _answer(self, request: Request, reply: Reply) -> None:
        if not request.body:  # a list of models
            await reply.whole(404, b"{}", {"content-type": "application/json"})
            return
        asked = json.loads(request.body)
        text = asked["messages"][-1]["content"]
        self.gateways[request.headers["authorization"]] += 1
        self.texts[text] += 1
        head = {"id": "chatcmpl-1", "created": 1, "model": asked["model"]}
        await reply.sleep(PAUSE_S)
        if not asked.get("stream"):
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = head | {"object": "chat.completion", "choices": [choice], "usage": USAGE}
            await reply.whole(200, json.dumps(body).encode(), {"content-type": "application/json"})
            return
        await reply.begin({"content-type": "text/event-stream"})
        for character in text:
            choice = {"index": 0, "delta": {"content": character}, "finish_reason": None}
            await reply.chunk(_event(head, choices=[choice]))
            await reply.sleep(PAUSE_S / 10)
        last = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await reply.chunk(_event(head, choices=[last]) + _event(head, choices=[], usage=USAGE))
        await reply.chunk(b"data: [DONE]\n\n")
        await reply.end()


def _event(head: dict[str, object], **members: object) -> bytes:
    event = head | {"object": "chat.completion.chunk"} | members
    return b"data: %b\n\n" % json.dumps(event).encode()


@dataclass
class Load:
    """Sends requests one after another in several tasks, until it is told to stop.

    `claude_answer` is what a turn of Claude Code has to say.
    """

    sdk: AsyncOpenAI
    claude_answer: str
    answered: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _stops: bool = False

    async def run(self, clients: int, during: Callable[[], Awaitable[None]]) -> None:
        """Asks while `during` runs; raises the first failure of a request or of `during`."""
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(self._client(number))
            try:
                await during()
            finally:
                self._stops = True

    async def _client(self, number: int) -> None:
        kinds = [self._whole, self._stream, self._claude, self._claude_stream]
        for turn in count(number):
            if self._stops:
                return
            await kinds[turn % len(kinds)](f"<{next(self._numbers)}>")
            await asyncio.sleep(PAUSE_S / 2)  # a machine of tests has two cores

    async def _whole(self, text: str) -> None:
        answer = await self._ask(text)
        assert answer.choices[0].message.content == text
        assert answer.usage is not None
        assert answer.usage.total_tokens == PROMPT_TOKENS + COMPLETION_TOKENS
        self._note("whole", text)

    async def _claude(self, text: str) -> None:
        answer = await self._ask(text, extra_headers=CLAUDE)
        assert answer.choices[0].message.content == self.claude_answer
        self._note("claude", None)

    async def _stream(self, text: str) -> None:
        assert await self._streamed(text) == text
        self._note("stream", text)

    async def _claude_stream(self, text: str) -> None:
        assert await self._streamed(text, extra_headers=CLAUDE) == self.claude_answer
        self._note("claude stream", None)

    async def _ask(self, text: str, **options: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return await self.sdk.chat.completions.create(  # type: ignore[call-overload]
            model="sonnet", messages=[{"role": "user", "content": text}], **options
        )

    async def _streamed(self, text: str, **options: object) -> str:
        pieces, reason = [], None
        async for chunk in await self._ask(text, stream=True, **options):
            for choice in chunk.choices:
                pieces.append(choice.delta.content or "")
                reason = choice.finish_reason or reason
        assert reason == "stop"
        return "".join(pieces)

    def _note(self, kind: str, text: str | None) -> None:
        self.answered[kind] += 1
        if text is not None:
            self.texts.append(text)
