"""Measures the memory for long streams: `python -m benchmarks.long_streams [--deltas N --bytes N]`.

An upstream streams deltas of text, as fast as the gateway takes them, and a client reads the
translated stream. The figure is the growth of the peak of the gateway's resident set (RSS).
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.large_bodies import MIB, peak_mib
from benchmarks.load import QUESTION
from benchmarks.servers import Server, started
from modegate.simulator.large_bodies import HEAD_END

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
SETTINGS = """
default_upstream = "chat"
[upstreams.chat]
base_url = "URL/v1"
responses = false
credentials = [{ id = "a", key = "sk-benchmark" }]
[upstreams.claude]
kind = "anthropic"
base_url = "URL"
models = ["claude-*"]
credentials = [{ id = "b", key = "sk-benchmark" }]
"""
SHORT = 1_000
RESET_PEAK = "5"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS_A_WRITE = 16


@dataclass(frozen=True, slots=True)
class Route:
    """A client's path and the model that leads to the upstream, with what ends its stream."""

    name: str
    path: str
    model: str
    body: dict[str, object]
    end: bytes


DONE, MESSAGE_STOP, COMPLETED = b"data: [DONE]\n\n", b'{"type":"message_stop"}\n\n', b"}}\n\n"
SAID: dict[str, object] = {"messages": [QUESTION]}
BOUNDED: dict[str, object] = {**SAID, "max_tokens": 100}
UNKEPT: dict[str, object] = {"input": "Hi", "store": False}
KEPT: dict[str, object] = {"input": "Hi"}
ROUTES = (
    Route("chat, bytes", CHAT, "mock", SAID, DONE),
    Route("messages from chat", MESSAGES, "mock", BOUNDED, MESSAGE_STOP),
    Route("chat from messages", CHAT, "claude-mock", SAID, DONE),
    Route("responses from chat, not kept", RESPONSES, "mock", UNKEPT, COMPLETED),
    Route("responses from chat, kept", RESPONSES, "mock", KEPT, COMPLETED),
    Route("responses from messages, kept", RESPONSES, "claude-mock", KEPT, COMPLETED),
)


class LongStreams:
    """An upstream of both APIs that streams one text, and waits for its reader."""

    def __init__(self, size: int) -> None:
        self._text = "x" * size
        self.deltas = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Runs the server; the context's value is its URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(HEAD_END)).decode("latin-1").lower():
                length = int(head.partition("content-length: ")[2].partition("\r")[0])
                await reader.readexactly(length)
                writer.write(HEAD)
                for piece in self._pieces(is_chat="/chat/completions" in head):
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await writer.drain()
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _pieces(self, *, is_chat: bool) -> Iterator[bytes]:
        begin, delta, end = self._of_chat() if is_chat else self._of_messages()
        yield begin
        whole, rest = divmod(self.deltas, EVENTS_A_WRITE)
        for _ in range(whole):
            yield delta * EVENTS_A_WRITE
        yield delta * rest + end

    def _of_chat(self) -> tuple[bytes, bytes, bytes]:
        def chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            told = {"id": "c", "object": "chat.completion.chunk", "choices": [choice]}
            return b"data: %b\n\n" % json.dumps(told).encode()

        end = chunk({}, "stop") + b"data: [DONE]\n\n"
        return chunk({"role": "assistant"}), chunk({"content": self._text}), end

    def _of_messages(self) -> tuple[bytes, bytes, bytes]:
        def event(kind: str, **fields: object) -> bytes:
            data = json.dumps({"type": kind, **fields}).encode()
            return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)

        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": usage}
        block = {"type": "text", "text": ""}
        begin = event("message_start", message=message)
        begin += event("content_block_start", index=0, content_block=block)
        delta = {"type": "text_delta", "text": self._text}
        stop = event("content_block_stop", index=0)
        stop += event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
        return (
            begin,
            event("content_block_delta", index=0, delta=delta),
            stop + event("message_stop"),
        )


async def read(http: aiohttp.ClientSession, url: str, route: Route) -> int:
    """Returns the size of a stream, which must be complete."""
    size, tail = 0, b""
    body = {"model": route.model, "stream": True, **route.body}
    async with http.post(url + route.path, json=body) as answered:
        async for piece in answered.content.iter_any():
            size += len(piece)
            tail = (tail + piece)[-len(route.end) :]
    if answered.status != 200 or tail != route.end:  # noqa: PLR2004
        raise RuntimeError(f"{route.name}: status {answered.status}, end {tail!r}")
    return size


async def measure(upstream: LongStreams, server: Server, url: str, deltas: int, size: int) -> None:
    """Prints a table of all routes."""
    print("| stream | deltas | text, MiB | peak growth, MiB | growth : text | seconds |")
    print("|---|---|---|---|---|---|")
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        for route in ROUTES:
            upstream.deltas = SHORT
            await read(http, url, route)  # warms the gateway up
            reset_peak(server.pid)
            before, began = peak_mib(server.pid), time.monotonic()
            upstream.deltas = deltas
            await read(http, url, route)
            took, grown = time.monotonic() - began, peak_mib(server.pid) - before
            text = deltas * size / MIB
            row = f"{deltas:,} | {text:.1f} | {grown:.1f} | {grown / text:.2f} | {took:.1f}"
            print(f"| {route.name} | {row} |", flush=True)


def reset_peak(pid: int) -> None:
    """Sets the peak of the resident set to its size of now."""
    Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)


async def main(deltas: int, size: int) -> None:
    """Starts the upstream and the gateway, and measures."""
    upstream = LongStreams(size)
    with TemporaryDirectory() as folder:
        async with upstream.running() as url:
            settings = Path(folder) / "modegate.toml"
            settings.write_text(SETTINGS.replace("URL", url))
            environment = {
                "MODEGATE_CONFIG": str(settings),
                "MODEGATE_STATE_DIR": folder,
                "CLAUDE_WARM_PROCESSES": "0",
            }
            command = ("modegate", "serve")
            with started("modegate", command, core=None, environment=environment) as server:
                await measure(upstream, server, server.url.removesuffix(CHAT), deltas, size)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--deltas", type=int, default=100_000)
    arguments.add_argument("--bytes", type=int, default=500)
    chosen = arguments.parse_args()
    asyncio.run(main(chosen.deltas, chosen.bytes))
