"""A simulated model whose client disconnects."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import cast

from modegate.simulator.api import Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.openai_api import OpenAIDialect


class _Counted(OpenAIDialect):
    """Counts the events that it renders."""

    rendered = 0

    def pieces(self, body: Mapping[str, object], step: Says) -> Iterator[tuple[bytes, bool]]:
        for piece in super().pieces(body, step):
            self.rendered += 1
            yield piece


async def test_no_more_events_are_rendered_once_the_client_has_disconnected() -> None:
    gone = asyncio.Event()
    gone.set()
    reply = Reply(cast("asyncio.StreamWriter", None), gone)
    api = _Counted()

    await api.say(Request("POST", "/", {}, b'{"stream": true}'), reply, Says("word " * 400))

    assert api.rendered == 1
