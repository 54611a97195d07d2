"""Streams of relayed operations: their ends, and where they are cut."""

import json
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

EVENTS = {"content-type": "text/event-stream"}
FIRST = b'event: response.created\ndata: {"type":"response.created","sequence_number":0}\n\n'
DELTA = b'data: {"type":"response.output_text.delta","delta":"\\"type\\":\\"error\\"","sequence_number":7}\n\n'
LAST = b'event: response.completed\ndata: {"type":"response.completed","sequence_number":8}\n\n'
PICTURE = b'data: {"type":"image_generation.partial_image","b64_json":"aGk="}\n\n'
TEXT = b'data: {"choices":[{"index":0,"text":"Hi","finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
BODY = {"model": "m", "input": "Hi", "prompt": "Hi", "stream": True}


async def streamed(gateway: GatewayFactory, path: str, *pieces: bytes, cut: bool) -> bytes:
    """Returns the client's bytes for an upstream that sends these pieces."""

    async def answer(_: Request, reply: Reply) -> None:
        await reply.begin(EVENTS)
        for piece in pieces:
            await reply.chunk(piece)
        if cut:
            reply.cut()
        else:
            await reply.end()

    server = LoopbackServer(answer)
    async with server.running() as url:
        settings: dict[str, Any] = {"openai_base_url": f"{url}/v1", "openai_api_key": "sk-server"}
        async with gateway(**settings) as running:
            return await received(running, path)


async def received(gateway: Gateway, path: str) -> bytes:
    response = await gateway.http.post(path, json=BODY)
    assert response.status_code == 200
    assert response.headers["x-accel-buffering"] == "no"
    return response.content


async def test_a_whole_stream_of_a_response_passes_as_it_came(gateway: GatewayFactory) -> None:
    got = await streamed(gateway, "/v1/responses", FIRST, DELTA, LAST, cut=False)
    assert got == FIRST + DELTA + LAST


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "ended"])
async def test_a_stream_of_a_response_without_its_end_gets_an_error_event_in_its_form(
    gateway: GatewayFactory, cut: bool
) -> None:
    pieces = (FIRST, DELTA, LAST[:40]) if cut else (FIRST, DELTA)
    got = await streamed(gateway, "/v1/responses", *pieces, cut=cut)
    assert got.startswith(FIRST + DELTA + b"event: error\ndata: ")
    error = json.loads(got.removeprefix(FIRST + DELTA).partition(b"data: ")[2])
    assert error.keys() == {"type", "code", "message", "param", "sequence_number"}
    assert (error["type"], error["code"], error["param"]) == ("error", "stream_error", None)
    assert error["sequence_number"] == 8
    assert b"[DONE]" not in got


async def test_a_stream_of_completions_ends_with_done(gateway: GatewayFactory) -> None:
    whole = await streamed(gateway, "/v1/completions", TEXT, DONE, cut=False)
    assert whole == TEXT + DONE
    begun = TEXT.replace(b'"stop"', b"null")
    cut = await streamed(gateway, "/v1/completions", begun, cut=True)
    assert cut.startswith(begun + b'data: {"error"')
    assert cut.endswith(DONE)


async def test_other_streams_pass_as_they_came_and_report_a_cut(gateway: GatewayFactory) -> None:
    whole = await streamed(gateway, "/v1/images/generations", PICTURE, cut=False)
    assert whole == PICTURE
    cut = await streamed(gateway, "/v1/images/generations", PICTURE, PICTURE[:20], cut=True)
    assert cut.startswith(PICTURE + b'event: error\ndata: {"error"')
    assert b"[DONE]" not in cut
