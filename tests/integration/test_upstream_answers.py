"""Malformed upstream answers, byte by byte, through the running gateway."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletion
from support.gateway import Gateway, GatewayFactory
from support.waiting import settled

from modegate.adapters.openai_sdk.answers import streamed_answer
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"
EVENTS = "text/event-stream"
CHAT = "/v1/chat/completions"


def event(data: object) -> bytes:
    return b"data: %b\n\n" % (data if isinstance(data, bytes) else json.dumps(data).encode())


def chunk(text: str | None = None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event({**head, "choices": [choice]})


def completion() -> bytes:
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**head, "choices": [choice], "usage": {"total_tokens": 3}}).encode()


ONE, LAST = chunk("Hello"), chunk(None, "stop")
STREAM = ONE + LAST + DONE
COMPLETION = completion()


def head(status: str = "200 OK", **headers: str) -> bytes:
    told = {name.replace("_", "-"): value for name, value in headers.items() if value}
    named = (f"{name}: {value}" for name, value in told.items())
    return "\r\n".join((f"HTTP/1.1 {status}", *named, "", "")).encode()


def sized(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    return head(status, content_length=str(len(body)), **headers) + body


def piece(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(*pieces: bytes, end: bytes = END, **headers: str) -> bytes:
    return head(transfer_encoding="chunked", **headers) + b"".join(map(piece, pieces)) + end


BROKEN = {
    "another status line": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "a chunk without its line end": b"5\r\nhelloXX5\r\nhello\r\n",
    "a size that is not hex": b"zz\r\nhello\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "a size without an end": b"f" * 70_000,
    "a chunk that is cut": b"ff\r\nhel",
    "no last chunk": b"",
}
# With these a parser may wait for more while the connection stays open.
UNNOTICED = {"a chunk that is cut", "no last chunk", "a size without an end"}
UNREADABLE: Mapping[str, bytes] = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "a bad header": b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
    "a switch of protocols": head("101 Switching Protocols", upgrade="x", connection="upgrade"),
    "a body that is too short": head(content_length="999") + COMPLETION,
    "plain bytes as gzip": sized(COMPLETION, content_encoding="gzip"),
    "truncated gzip": sized(gzip.compress(COMPLETION)[:-9], content_encoding="gzip"),
    "bytes behind gzip": sized(gzip.compress(COMPLETION) + b"junk", content_encoding="gzip"),
    "plain bytes as deflate": sized(COMPLETION, content_encoding="deflate"),
    "gzip once, said twice": sized(gzip.compress(COMPLETION), content_encoding="gzip, gzip"),
    "brotli": sized(b"\x0b\x02\x80{}\x03", content_encoding="br"),
    "zstd": sized(b"\x28\xb5\x2f\xfd", content_encoding="zstd"),
    "an unknown coding": sized(COMPLETION, content_encoding="x-own"),
    **{f"framing: {name}": chunked(COMPLETION, end=rest) for name, rest in BROKEN.items()},
}
# Bytes that arrive whole: no JSON object, or no choice.
BAD: Mapping[str, bytes] = {
    "a web page": sized(b"<!doctype html>", content_type="text/html"),
    "plain text": sized(b"ok"),
    "a list": sized(b"[1, 2]"),
    "null": sized(b"null"),
    "truncated JSON": sized(COMPLETION[:-2], content_type="application/json"),
    "truncated JSON, and long": sized(b'{"a": "' + b"x" * 70_000, content_type="application/json"),
    "lines of JSON": sized(b'{"id": "c"}\n{"id": "c"}\n'),
    "events of no JSON": chunked(b"data: hello\n\n", DONE),
    "a late event of no JSON": chunked(b": hb\n\n", b"data: hello\n\n"),
}
EMPTY: Mapping[str, bytes] = {
    "nothing": sized(b""),
    "blanks": sized(b" \r\n\n "),
    "204": head("204 No Content"),
    "an object without choices": sized(b'{"id": "c", "object": "chat.completion"}'),
    "a failure in another form": sized(b'{"detail": "not loaded"}'),
    "an empty object": sized(b"{}"),
    "no choices": sized(b'{"choices": []}'),
    "null as choices": sized(b'{"choices": null}'),
    "no choices, and long": sized(b'{"choices": [], "a": "%b"}' % (b"x" * 70_000)),
    "only the end mark": chunked(DONE),
    "only heartbeats": chunked(b": hb\n\n", b"data:\n\n", DONE),
    "only heartbeats, and no end mark": chunked(b": hb\n\n"),
    "events of other objects": chunked(event({"detail": "not loaded"})),
    "a chunk without choices": chunked(event({"choices": []}), DONE),
    "only the usage": chunked(event({"choices": [], "usage": {"total_tokens": 3}})),
    "null": chunked(b"data: null\n\n", DONE),
}
OTHER: Mapping[str, tuple[int, str, bytes]] = {
    "a web page": (502, "web page", sized(b"<!doctype html>", content_type="text/html")),
    "a web page as JSON": (502, "web page", sized(b" <html>", content_type="application/json")),
    "a web page as events": (502, "web page", sized(b"<html>", content_type=EVENTS)),
    "plain text": (502, "plain text", sized(b"ok", content_type="text/plain")),
    "a list": (502, "no object", sized(b"[1, 2]")),
    "lines of JSON": (502, "cannot be read", sized(b'{"id": "c"}\n{"id": "c"}\n')),
    "nothing": (502, "empty", sized(b"")),
    "blanks": (502, "empty", sized(b" \r\n\n ")),
    "204": (502, "empty", head("204 No Content")),
    "301": (502, "OPENAI_BASE_URL", sized(b"", "301 Moved", location="https://u:p@x.example/?k=s")),
    "307 to nowhere": (502, "OPENAI_BASE_URL", sized(b"", "307 Temporary Redirect")),
    "304": (502, "OPENAI_BASE_URL", head("304 Not Modified")),
    "an error": (402, "mine", sized(b'{"error": {"message": "mine", "code": 402}}')),
    "an error without a status": (502, "mine", sized(b'{"error": "mine"}')),
    "Google's": (429, "mine", sized(b'[{"error": {"message": "mine", "status": "RESOURCE_EXHAUSTED"}}]')),
    "an event": (529, "mine", chunked(event({"error": {"message": "mine", "type": "overloaded_error"}}))),
    "a named event": (404, "mine", chunked(b'event: error\r\ndata: {"message": "mine", "code": "404"}\r\n\r\n', DONE)),
    "words in one": (502, "mine", chunked(b"event: error\ndata: mine\n\n")),
    "a field": (500, "mine", chunked(b'error: {"message": "mine", "code": 500}\n\n')),
    "an error event behind a heartbeat": (503, "mine", chunked(b": hb\n\n", b'data: {"error": {"message": "mine", "code": 503}}\n\n')),
    "an event that is cut": (502, "cannot be read", chunked(ONE[:-9])),
    "an object without choices": (502, "no choice", sized(b'{"detail": "not loaded"}')),
    "events of no JSON": (502, "no JSON", chunked(b"data: hello\n\n", DONE)),
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A gateway whose upstream answers with the bytes that a test gives, and then closes."""

    gateway: Gateway
    server: LoopbackServer
    raw: list[bytes]

    def answer(self, raw: bytes) -> None:
        self.raw[:] = [raw]
        self.server.requests.clear()

    async def __call__(self, raw: bytes, *, stream: bool) -> httpx2.Response:
        self.answer(raw)
        return await self.gateway.chat(stream=stream)


@pytest.fixture
async def ask(gateway: GatewayFactory) -> AsyncIterator[Asked]:
    raw: list[bytes] = []

    async def answer(_: Request, reply: Reply) -> None:
        await reply.raw(raw[0])
        reply.cut()

    server = LoopbackServer(answer)
    async with (
        server.running() as url,
        gateway(openai_base_url=f"{url}/v1", openai_api_key="x") as running,
    ):
        yield Asked(running, server, raw)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_unreadable_answer_is_an_invalid_response_and_is_not_retried(
    stream: bool, ask: Asked
) -> None:
    for name, raw in UNREADABLE.items():
        response = await ask(raw, stream=stream)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (502, "upstream_invalid_response"), name
        assert "OPENAI_BASE_URL" not in error["message"], name
        assert len(ask.server.requests) == 1, name


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("code", "answers"),
    [("bad_upstream_response", BAD), ("empty_response", EMPTY)],
    ids=["bad", "empty"],
)
async def test_a_success_without_an_answer_is_a_502_that_is_not_retried(
    code: str, answers: Mapping[str, bytes], stream: bool, ask: Asked
) -> None:
    for name, raw in answers.items():
        response = await ask(raw, stream=stream)
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (502, code), name
        assert response.headers["X-Should-Retry"] == "false", name
        assert "X-Modegate-Hint" not in response.headers, name
        assert len(ask.server.requests) == 1, name


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_choice_with_empty_content_is_the_models_answer(stream: bool, ask: Asked) -> None:
    for message in ({"role": "assistant", "content": ""}, {"role": "assistant", "content": None}):
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps({"id": "c", "choices": [choice]}).encode()
        response = await ask(sized(body), stream=stream)
        assert response.status_code == 200
        assert response.content.endswith(DONE) if stream else response.content == body
    silent = chunk(None) + LAST + DONE
    response = await ask(chunked(silent), stream=stream)
    assert response.status_code == 200
    assert response.content == silent if stream else b'"finish_reason":"stop"' in response.content


async def test_a_stream_without_a_choice_that_has_begun_ends_with_an_error_event(
    gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_answer, "HELD_COMMENTS_S", 0.0)
    begun, rest = asyncio.Event(), [b""]

    async def answer(_: Request, reply: Reply) -> None:
        await reply.raw(chunked(b": hb\n\n", end=b""))
        await begun.wait()
        await reply.raw(rest[0])

    usage = event({"choices": [], "usage": {"total_tokens": 3}})
    async with (
        LoopbackServer(answer).running() as url,
        gateway(openai_base_url=f"{url}/v1", openai_api_key="x") as running,
    ):
        for rest[0] in (END, piece(DONE) + END, piece(usage) + END, piece(usage + DONE) + END):
            begun.clear()
            async with running.http.stream("POST", CHAT, json={"stream": True}) as response:
                parts = response.aiter_raw()
                assert await anext(parts) == b": hb\n\n"
                begun.set()
                events = b"".join([part async for part in parts])
            assert events.removeprefix(usage).startswith(b"data: {")
            assert events.count(b'"stream_error"') == events.count(DONE) == 1
            assert events.endswith(DONE)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_is_judged_by_its_content_and_not_by_its_content_type(
    stream: bool, ask: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    for name, (status, words, raw) in OTHER.items():
        response = await ask(raw, stream=stream)
        assert (response.status_code, response.headers["content-type"]) == (
            status,
            "application/json",
        ), name
        assert words in response.text, name
        assert len(ask.server.requests) == 1, name
    assert "a redirect with status 301 to https://x.example/" in caplog.text
    assert "k=s" not in caplog.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_whose_body_is_cut_is_relayed_as_far_as_it_came(
    stream: bool, ask: Asked
) -> None:
    begun = b'{"error": {"message": "No such model'
    for raw in (
        head("404 Not Found", content_type="application/json", content_length="99") + begun,
        chunked(begun, end=b"ff\r\nhel").replace(b"200 OK", b"404 Not Found"),
    ):
        response = await ask(raw, stream=stream)
        assert response.status_code == 404
        assert response.content.startswith(begun)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_that_is_cut_before_its_body_is_an_error_of_the_gateway(
    stream: bool, ask: Asked
) -> None:
    raw = head("404 Not Found", content_type="application/json", content_length="99")
    response = await ask(raw, stream=stream)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (502, "upstream_invalid_response")
    assert "status 404" in error["message"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_with_an_empty_body_keeps_its_status(stream: bool, ask: Asked) -> None:
    response = await ask(sized(b"", "404 Not Found"), stream=stream)
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_whose_body_never_ends_keeps_its_status(
    stream: bool, gateway: GatewayFactory
) -> None:
    async def stall(_: Request, reply: Reply) -> None:
        await reply.raw(head("400 Bad Request", content_length="99") + b'{"error":')
        await reply.gone.wait()

    async with (
        LoopbackServer(stall).running() as url,
        gateway(
            openai_base_url=f"{url}/v1", openai_api_key="x", upstream_first_byte_timeout_ms=6_000
        ) as running,
    ):
        response = await running.chat(stream=stream)
        assert (response.status_code, response.content) == (400, b'{"error":')


@pytest.mark.parametrize("stays", [True, False], ids=["stays open", "is closed"])
async def test_broken_framing_in_a_stream_ends_it_with_an_error_at_once(
    stays: bool, gateway: GatewayFactory
) -> None:
    arrived, rest = asyncio.Event(), [b""]

    async def break_it(_: Request, reply: Reply) -> None:
        await reply.raw(chunked(ONE, end=b""))
        await arrived.wait()
        await reply.raw(rest[0])
        if stays:
            await reply.gone.wait()
        reply.cut()

    async with (
        LoopbackServer(break_it).running() as url,
        gateway(openai_base_url=f"{url}/v1", openai_api_key="x") as running,
    ):
        for name, rest[0] in BROKEN.items():
            if stays and name in UNNOTICED:
                continue
            arrived.clear()
            async with running.http.stream("POST", CHAT, json={"stream": True}) as response:
                parts = response.aiter_raw()
                assert await anext(parts) == ONE, name
                arrived.set()
                events = b"".join([part async for part in parts])
            assert b'"stream_error"' in events, name
            assert b"The answer is incomplete." in events, name
            assert events.endswith(DONE), name


async def test_an_event_stream_is_detected_whatever_its_content_type(ask: Asked) -> None:
    for label in ("application/json", "text/plain", ""):
        response = await ask(chunked(ONE, LAST, DONE, content_type=label), stream=True)
        assert response.content == STREAM
        assert response.headers["content-type"] == EVENTS
        for end in (END, b""):
            cut = chunked(ONE, end=end, content_type=label)
            events = (await ask(cut, stream=True)).content
            assert events.startswith(ONE)
            assert b'"stream_error"' in events
            assert events.endswith(DONE)


async def test_a_compressed_event_stream_is_decoded(ask: Asked) -> None:
    packed = zlib.compress(STREAM)
    response = await ask(
        chunked(packed[:9], packed[9:], content_type=EVENTS, content_encoding="deflate"),
        stream=True,
    )
    assert response.content == STREAM


async def test_a_byte_order_mark_before_an_event_stream_is_removed(ask: Asked) -> None:
    response = await ask(chunked(b"\xef\xbb", b"\xbf" + STREAM, content_type=EVENTS), stream=True)
    assert response.content == STREAM


async def test_a_complete_answer_to_a_streaming_request_becomes_chunks(ask: Asked) -> None:
    ask.answer(sized(COMPLETION, content_type="application/json"))
    stream = await ask.gateway.sdk.chat.completions.create(model="m", messages=[], stream=True)
    chunks = [it async for it in stream]
    assert "".join(it.choices[0].delta.content or "" for it in chunks) == "Hello"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


async def test_an_event_stream_for_a_non_streaming_request_becomes_one_answer(ask: Asked) -> None:
    ask.answer(chunked(chunk("Hel"), chunk("lo"), LAST, DONE, content_type=EVENTS))
    answer = await ask.gateway.sdk.chat.completions.create(model="m", messages=[])
    assert isinstance(answer, ChatCompletion)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].finish_reason == "stop"
    response = await ask(chunked(chunk("Hel"), content_type=EVENTS), stream=False)
    assert response.json()["error"]["code"] == "upstream_invalid_response"


async def test_an_upstream_error_event_in_a_stream_is_relayed_once_and_logged(
    ask: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "modegate.requests")
    failed = event({"id": "c", "choices": [], "error": {"message": "mine", "code": 502}})
    response = await ask(chunked(ONE, failed, DONE, content_type=EVENTS), stream=True)
    assert response.content == ONE + failed + DONE
    await settled()
    (line,) = (record for record in caplog.records if record.name == "modegate.requests")
    assert vars(line)["fields"]["error"] == "upstream_error"


async def test_comments_before_the_first_event_are_relayed_after_a_delay(
    gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_answer, "HELD_COMMENTS_S", 0.0)
    said = asyncio.Event()

    async def answer(_: Request, reply: Reply) -> None:
        await reply.raw(chunked(b": hb\n\n", end=b""))
        await said.wait()
        await reply.raw(piece(DONE) + END)

    async with (
        LoopbackServer(answer).running() as url,
        gateway(openai_base_url=f"{url}/v1", openai_api_key="x") as running,
        running.http.stream("POST", CHAT, json={"stream": True}) as response,
    ):
        parts = response.aiter_raw()
        assert await anext(parts) == b": hb\n\n"
        said.set()
        rest = b"".join([part async for part in parts])
    assert b'"stream_error"' in rest
    assert rest.endswith(DONE)


async def test_an_event_over_16_mib_is_an_error(ask: Asked) -> None:
    long = b"data: " + b"x" * (17 * 1024 * 1024)
    for begun in (b"", ONE):
        response = await ask(chunked(begun + long, content_type=EVENTS), stream=True)
        assert "16 MiB" in response.text
        assert response.status_code == (200 if begun else 502)


async def test_the_sdk_raises_a_server_error_if_a_web_page_replaces_the_stream(ask: Asked) -> None:
    ask.answer(sized(b"<!doctype html>", content_type="text/html"))
    with pytest.raises(openai.InternalServerError, match="web page"):
        await ask.gateway.sdk.chat.completions.create(model="m", messages=[], stream=True)
