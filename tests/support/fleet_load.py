"""Clients of a fleet, which check that each request gets exactly one good answer."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from openai import AsyncOpenAI, InternalServerError

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

PROMPT_TOKENS, COMPLETION_TOKENS = 7, 3
USAGE = {
    "prompt_tokens": PROMPT_TOKENS,
    "completion_tokens": COMPLETION_TOKENS,
    "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
}
# Seconds between the pieces of an answer: so long, requests are under way.
# On a busy machine the store answers late, or a load balancer notices late that a gateway drains.
# Such a request was not begun, so it is sent again, as the SDKs do by default.
REFUSALS = frozenset({"storage_unavailable", "server_shutting_down"})
PAUSE_S = 0.3
HELD = "held"
CLAUDE = {"X-Claude-Code": "true"}
SESSION = "X-Claude-Session-ID"


class Upstream:
    """An upstream that repeats what it was asked, and counts by gateway and by text."""

    def __init__(self) -> None:
        self.server = LoopbackServer(self._answer)
        self.gateways: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()
        # Requests whose text is HELD are answered when this is set.
        self.release = asyncio.Event()

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
        if text == HELD:
            await self.release.wait()
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

    Each client has one session with a Claude that recites it: `support.remembering_claude`.
    """

    sdk: AsyncOpenAI
    answered: Counter[str] = field(default_factory=Counter)
    refused: int = 0
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
        session: dict[str, str] = {}
        said: list[str] = []
        for turn in count(number):
            if self._stops:
                return
            text, stream = f"<{next(self._numbers)}>", turn % 2 == 0
            if turn % 4 < 2:
                answer, _ = await self._admitted(text, stream, {})
                assert answer == text
                self.texts.append(text)
            else:
                said.append(text)
                answer, headers = await self._admitted(text, stream, CLAUDE | session)
                assert json.loads(answer) == said
                session = {SESSION: headers[SESSION]}
            kind = "relayed" if turn % 4 < 2 else "claude"
            self.answered[f"{kind}, {'stream' if stream else 'whole'}"] += 1
            await asyncio.sleep(PAUSE_S / 2)  # a machine of tests has two cores

    async def _admitted(
        self, text: str, stream: bool, headers: Mapping[str, str]
    ) -> tuple[str, Mapping[str, str]]:
        while True:
            try:
                return await self._ask(text, stream, headers)
            except InternalServerError as error:
                if error.code not in REFUSALS:
                    error.add_note(error.response.text)
                    raise
                self.refused += 1

    async def _ask(
        self, text: str, stream: bool, headers: Mapping[str, str]
    ) -> tuple[str, Mapping[str, str]]:
        """Returns the text of an answer that ended well, and its headers."""
        response = await self.sdk.chat.completions.with_raw_response.create(
            model="sonnet",
            messages=[{"role": "user", "content": text}],
            stream=stream,
            extra_headers=headers,
        )
        answer: Any = response.parse()
        if not stream:
            assert answer.choices[0].finish_reason == "stop"
            return answer.choices[0].message.content, response.headers
        pieces, reason = [], None
        async for chunk in answer:
            for choice in chunk.choices:
                pieces.append(choice.delta.content or "")
                reason = choice.finish_reason or reason
        assert reason == "stop"
        return "".join(pieces), response.headers
