"""The use cases as a script calls them, without a server."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from modegate.application.answering.routed_answer import RelayedAnswer, RoutedAnswer
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.bootstrap.container import Container, close
from modegate.entrypoints.config.settings import Settings

BODY = b'{"id": "chatcmpl-1", "choices": [{"index": 0, "finish_reason": "stop"}]}'


class Upstream(BaseHTTPRequestHandler):
    """Answers each request and closes the connection."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    """An upstream in its own thread, because the test runs successive event loops."""
    with HTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_container_works_in_successive_event_loops(upstream: str, tmp_path: Path) -> None:
    settings = Settings(
        modegate_state_dir=tmp_path, openai_api_key=SecretStr("sk-server"), openai_base_url=upstream
    )
    container = Container(settings=settings)
    request = InboundRequest.of({"model": "gpt-4o", "messages": []}, Mode.PASSTHROUGH)

    async def ask() -> RoutedAnswer:
        async with container.answer_request().execute(request) as answer:
            return answer

    for _ in range(3):
        answer = asyncio.run(ask())
        assert isinstance(answer, RelayedAnswer)
        assert answer.response.body == BODY
    asyncio.run(close(container))
