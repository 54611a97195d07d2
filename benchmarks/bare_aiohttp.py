"""A Falcon application that hands requests on with aiohttp: the floor under a gateway of this kind.

No key, limit, log, bound or timeout; whatever a gateway costs more is what it does.
"""

import os
import sys
from collections.abc import AsyncIterator

import aiohttp
import falcon.asgi
import orjson
import uvicorn

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-benchmark"}


class HandOn:
    """Looks at `stream`, and gives the upstream's bytes."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/chat/completions"
        self._session: aiohttp.ClientSession | None = None

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The upstream's answer."""
        body = await req.stream.read()
        # Without the library's own limit: 256 streams would wait for 100 connections.
        session = self._session = self._session or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0)
        )
        answer = await session.post(self._url, data=body, headers=HEADERS)
        resp.content_type = answer.headers["Content-Type"]
        if orjson.loads(body).get("stream"):
            resp.stream = self._pieces(answer)
        else:
            async with answer:
                resp.data = await answer.read()

    async def _pieces(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        async with answer:
            async for piece in answer.content.iter_any():
                yield piece


if __name__ == "__main__":
    app = falcon.asgi.App()
    app.add_route("/v1/chat/completions", HandOn(os.environ["OPENAI_BASE_URL"]))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
