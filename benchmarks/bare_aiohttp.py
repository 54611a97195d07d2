"""A Falcon application that only relays requests with aiohttp: the floor for gateways.

It has no authentication, limits, logs or timeouts. Any further cost of a gateway is its features.
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
    """Relays the upstream's response; of the body it reads only `stream`."""

    def __init__(self, upstream: str) -> None:
        self._url = f"{upstream}/chat/completions"
        self._session: aiohttp.ClientSession | None = None

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Relays one request."""
        body = await req.stream.read()
        # aiohttp's default limit of 100 connections would queue some of the 256 streams.
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
