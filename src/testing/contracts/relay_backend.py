"""The duties of a `RelayBackend`."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest

from modegate.application.ports.relay_backend import RelayBackend
from modegate.domain.answer.usage import Usage
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import GatewayError
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.upstreams import CREDENTIAL

# Generous, because the machine may be busy: a backend that leaks never gets there.
RELEASE_TIMEOUT_S = 30.0


@pytest.mark.anyio
class RelayBackendContract(ABC):
    """Give four worlds, each a context whose value is a backend.

    In `echoing` the upstream's answer contains the request's text; in `refusing` it answers with
    the status `REFUSAL`; in `unreachable` there is none; in `silent` it never answers. The requests
    of `request` name the upstream of the latest backend, and are sent with `credential`.
    """

    REFUSAL = 400
    credential = CREDENTIAL

    @abstractmethod
    def request(self, text: str = "Hi", *, streamed: bool = False) -> UpstreamRequest:
        """Returns a request with this text."""

    @abstractmethod
    def echoing(self) -> AbstractAsyncContextManager[RelayBackend]:
        """A backend whose upstream repeats the request's text."""

    @abstractmethod
    def refusing(self) -> AbstractAsyncContextManager[RelayBackend]:
        """A backend whose upstream answers with the status `REFUSAL`."""

    @abstractmethod
    def unreachable(self) -> AbstractAsyncContextManager[RelayBackend]:
        """A backend without an upstream."""

    @abstractmethod
    def silent(self) -> AbstractAsyncContextManager[RelayBackend]:
        """A backend whose upstream never answers."""

    @abstractmethod
    async def released(self) -> None:
        """Returns when no exchange is open any more."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop."""
        return "asyncio"

    async def test_each_request_gets_its_own_response(self) -> None:
        for streamed in (False, True):
            texts = ("alpha", "bravo", "charlie")
            async with self.echoing() as backend:
                bodies = await asyncio.gather(
                    *(
                        _body(backend, self.request(text, streamed=streamed), self.credential)
                        for text in texts
                    )
                )
            for text, body in zip(texts, bodies, strict=True):
                assert [it for it in texts if it.encode() in body] == [text]

    async def test_an_upstream_error_is_returned_as_a_response(self) -> None:
        for streamed in (False, True):
            async with self.refusing() as backend:
                async with backend.send(
                    self.request(streamed=streamed), self.credential
                ) as response:
                    assert response.status == self.REFUSAL
                await self._released()

    async def test_an_unreachable_upstream_raises_a_gateway_error(self) -> None:
        for streamed in (False, True):
            async with self.unreachable() as backend:
                with pytest.raises(GatewayError):
                    await _body(backend, self.request(streamed=streamed), self.credential)

    async def test_each_answer_reports_its_usage_once(self) -> None:
        for streamed in (False, True):
            reported: list[Usage] = []
            async with self.echoing() as backend:
                request = self.request("alpha", streamed=streamed)
                request.on_usage = partial(_collect, reported)
                await _body(backend, request, self.credential)
            (usage,) = reported
            assert usage.prompt_tokens > 0
            assert usage.completion_tokens > 0

    async def test_exiting_the_context_closes_the_exchange(self) -> None:
        async with self.echoing() as backend:
            async with backend.send(self.request(streamed=True), self.credential) as response:
                assert response.status == 200
            await self._released()

    async def test_cancellation_closes_the_exchange(self) -> None:
        for streamed in (False, True):
            async with self.silent() as backend:
                task = asyncio.create_task(
                    _body(backend, self.request(streamed=streamed), self.credential)
                )
                await asyncio.sleep(0.1)  # any moment will do
                task.cancel()
                await asyncio.wait({task}, timeout=RELEASE_TIMEOUT_S)
                assert task.cancelled()
                await self._released()

    async def _released(self) -> None:
        async with asyncio.timeout(RELEASE_TIMEOUT_S):
            await self.released()


async def _body(backend: RelayBackend, request: UpstreamRequest, credential: Credential) -> bytes:
    async with backend.send(request, credential) as response:
        return await _read(response)


async def _read(response: UpstreamResponse) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    return b"".join([piece async for piece in response.body])


def _collect(reported: list[Usage], usage: Usage, _: str | None) -> None:
    reported.append(usage)
