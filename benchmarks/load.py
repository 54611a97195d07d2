"""A closed-loop load: each connection sends its next request once it has its answer."""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools

# A gateway without configured keys ignores it.
KEY = "sk-benchmark-1234567890"
QUESTION = {"role": "user", "content": "x" * 900}


class WrongAnswerError(Exception):
    """An answer differs from the upstream's answer."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A number of concurrent connections and the kind of answer.

    With `chunks`, answers are streams of that many chunks, `delay_ms` apart. `padding` is the
    number of extra bytes in each request. The model's name begins with `model_prefix`.
    """

    name: str
    connections: int
    chunks: int = 0
    delay_ms: int = 0
    padding: int = 0
    model_prefix: str = ""

    @property
    def body(self) -> bytes:
        """The request body, about 1 KB without padding."""
        more = [{"role": "user", "content": "y" * self.padding}] if self.padding else []
        model = f"mock-c{self.chunks}-d{self.delay_ms}" if self.chunks else "gpt-mock"
        return json.dumps(
            {
                "model": self.model_prefix + model,
                "stream": bool(self.chunks),
                "messages": [QUESTION, *more],
            }
        ).encode()

    def check(self, status: int, body: bytes) -> None:
        """Raises WrongAnswerError unless the answer is complete and successful."""
        right = (
            body.count(b"data: {") == self.chunks and body.endswith(b"data: [DONE]\n\n")
            if self.chunks
            else body.startswith(b"{") and body.endswith(b"}")
        )
        if status != 200 or not right:  # noqa: PLR2004
            raise WrongAnswerError(f"status {status}: {body[:200]!r}")


@dataclass(slots=True)
class Measured:
    """The result of a load; latencies are in seconds, from request to end of answer."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """The number of answers."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def median_ms(self) -> float:
        """The median of the latencies, in milliseconds."""
        return statistics.median(self.latencies) * 1000


class Connection(asyncio.Protocol):
    """Sends requests one after another until the deadline `until`."""

    def __init__(self, scenario: Scenario, request: bytes, until: float, into: Measured) -> None:
        self._scenario = scenario
        self._request = request
        self._until = until
        self._into = into
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Feeds received bytes to the parser."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, WrongAnswerError) as error:
            self._end(error)

    def on_body(self, body: bytes) -> None:
        """Collects a piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Checks the complete answer, then sends the next request or ends."""
        now = time.perf_counter()
        self._into.latencies.append(now - self._asked)
        status, body = self._parser.get_status_code(), b"".join(self._body)
        self._body.clear()
        try:
            self._scenario.check(status, body)
        except WrongAnswerError as error:
            self._end(error)
            return
        if now < self._until:
            self._parser = httptools.HttpResponseParser(self)
            self._ask()
        else:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends with an error if the server closed the connection."""
        self._end(exc or ConnectionResetError("the server closed the connection"))

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, error: Exception | None = None) -> None:
        self._transport.close()
        if not self.over.done():
            self.over.set_exception(error) if error else self.over.set_result(None)


async def load(url: str, scenario: Scenario, seconds: float) -> Measured:
    """Applies the load of a scenario to a server for `seconds`.

    Raises:
        WrongAnswerError: if an answer differs from the upstream's answer.
    """
    address = urlsplit(url)
    head = (
        f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\n"
        f"authorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(scenario.body)}\r\n\r\n"
    )
    measured = Measured()
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: Connection(scenario, head.encode() + scenario.body, begun + seconds, measured),
            address.hostname or "",
            address.port or 80,
        )
        for _ in range(scenario.connections)
    ]
    await asyncio.gather(*(connection.over for _, connection in made))
    measured.seconds = time.perf_counter() - begun
    return measured
