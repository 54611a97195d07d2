"""Upstreams are asked for the usage of streams, and may reject that."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from modegate.application.credentials.attempts import Attempts
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.route import RelayRoute
from modegate.domain.routing.upstream import Upstream
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.upstreams import UPSTREAM

BODY = b'{"stream":true}'
ASKING = b'{"stream":true,"stream_options":{"include_usage":true}}'
ASKED = replace(UPSTREAM, usage_in_streams=True)


class Answers:
    """Answers with the given statuses and bodies; `bodies` are those that it got."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.bodies: list[object] = []
        self.hidden: list[bool] = []
        self.open = 0

    def send(
        self, _: object, request: UpstreamRequest, *__: object
    ) -> AbstractAsyncContextManager[UpstreamResponse]:
        return self._answer(request)

    @asynccontextmanager
    async def _answer(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        self.bodies.append(request.body)
        self.hidden.append(request.hides_usage)
        self.open += 1
        try:
            status, body = self.answers.pop(0) if self.answers else (200, b"{}")
            yield UpstreamResponse(status, (), body)
        finally:
            self.open -= 1


class World:
    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.upstream = Answers(*answers)
        self.asking = AskingForUsage(cast("Attempts", self.upstream))
        self.rejected: list[str] = []
        self.asking.on_rejected = self.rejected.append

    async def send(self, model: str = "m", upstream: Upstream = ASKED, **params: object) -> int:
        request = UpstreamRequest(upstream=upstream, body=BODY, streamed=True)
        sent = {"stream": True, **params}
        route = RelayRoute(upstream, model)
        async with self.asking.send(route, request, sent, RequestRecord(), "") as response:
            assert self.upstream.open == 1
        assert self.upstream.open == 0
        return response.status


async def test_a_stream_is_asked_for_its_usage() -> None:
    world = World()
    assert await world.send() == 200
    assert world.upstream.bodies == [ASKING]
    assert world.upstream.hidden == [True]


@pytest.mark.parametrize(
    "upstream", [UPSTREAM, replace(ASKED, drop_params=frozenset({"stream_options"}))]
)
async def test_an_upstream_that_must_not_be_asked_gets_the_clients_body(
    upstream: Upstream,
) -> None:
    world = World()
    await world.send(upstream=upstream)
    assert world.upstream.bodies == [BODY]
    assert world.upstream.hidden == [False]


async def test_a_client_that_asks_itself_gets_everything() -> None:
    world = World()
    await world.send(stream_options={"include_usage": True})
    assert world.upstream.bodies == [BODY]
    assert world.upstream.hidden == [False]


@pytest.mark.parametrize("error", [(400, b"bad"), (422, b"bad"), (400, b"unknown stream_options")])
async def test_a_rejected_question_is_left_out_from_then_on(error: tuple[int, bytes]) -> None:
    world = World(error)
    assert [await world.send(), await world.send(), await world.send("other")] == [200] * 3
    assert world.upstream.bodies == [ASKING, BODY, BODY, ASKING]
    assert world.upstream.hidden == [True, False, False, True]
    assert world.rejected == [UPSTREAM.name]


async def test_another_error_stays_one_and_says_nothing_about_the_question() -> None:
    world = World((400, b"bad"), (400, b"bad"), (200, b"{}"), (400, b"bad"), (500, b""))
    assert [await world.send() for _ in range(4)] == [400, 200, 400, 500]
    assert world.upstream.bodies == [ASKING, BODY, ASKING, ASKING, ASKING]
    assert world.rejected == []


async def test_an_upstream_may_reject_the_question_later_by_its_name() -> None:
    world = World((200, b"{}"), (400, b'"include_usage" is unknown'))
    assert [await world.send(), await world.send()] == [200, 200]
    assert world.upstream.bodies == [ASKING, ASKING, BODY]
