"""A simulated OpenAI upstream with minimal CPU cost: `python -m benchmarks.upstream PORT`.

The model name determines the answer: `mock-c100-d5` streams 100 chunks, 5 ms apart. Any other model
answers with one JSON object of about 1 KB, `mock-d50` after 50 ms.
"""

import asyncio
import json
import re
import sys
from typing import cast

import httptools
import uvloop

SHAPE = re.compile(rb'"model": ?"mock-c(\d+)-d(\d+)"')
DELAYED = re.compile(rb'"model": ?"mock-d(\d+)"')
CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "x" * 800},
    "finish_reason": "stop",
}
USAGE = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "mock",
        "choices": [CHOICE],
        "usage": USAGE,
    }
).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DELTA = {"index": 0, "delta": {"content": " word"}, "finish_reason": None}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock"}
EVENT = b"data: %b\n\n" % json.dumps({**HEAD, "choices": [DELTA]}).encode()
FINISH = (
    b"data: %b\n\n"
    % json.dumps({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).encode()
)
DONE = b"data: [DONE]\n\n"


class Upstream(asyncio.Protocol):
    """Answers the requests of a connection in order."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Prepares a parser for the new connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        """Feeds received bytes to the parser."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Collects a piece of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answers the complete request."""
        body, self._body = self._body, b""
        if shape := SHAPE.search(body):
            self._task = asyncio.create_task(self._stream(int(shape[1]), int(shape[2]) / 1000))
        elif delayed := DELAYED.search(body):
            asyncio.get_running_loop().call_later(
                int(delayed[1]) / 1000, self._transport.write, WHOLE
            )
        else:
            self._transport.write(WHOLE)

    async def _stream(self, chunks: int, delay: float) -> None:
        self._transport.write(STREAM)
        for event in (*[EVENT] * (chunks - 1), FINISH + DONE):
            await asyncio.sleep(delay)
            if self._transport.is_closing():
                return
            self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))
        self._transport.write(b"0\r\n\r\n")


async def main(port: int) -> None:
    """Serves until the process is terminated."""
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
