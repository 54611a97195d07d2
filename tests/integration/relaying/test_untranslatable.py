"""What has no form in the API of a translated request's upstream: the error says what it is."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory

from modegate.simulator.provider import SimulatedProvider

FILE = {"type": "input_file", "file_url": "https://files.example/a.pdf"}
DOCUMENT = {"type": "document", "source": {"type": "url", "url": "https://files.example/a.pdf"}}
FUNCTION = {"type": "function", "name": "get", "parameters": {"type": "object"}}
TOOL = {"name": "get", "input_schema": {"type": "object"}}


@pytest.fixture
async def translating(gateway: GatewayFactory) -> AsyncIterator[Gateway]:
    async with SimulatedProvider().running() as url:
        tables = {
            "chat": {
                "base_url": f"{url}/v1",
                "responses": False,
                "credentials": [{"id": "a", "key": "sk-a"}],
            }
        }
        async with gateway(upstreams=tables, upstream_max_retries=0) as running:
            yield running


def said(part: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": [part]}]


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (
            "/v1/responses",
            {"input": said(FILE)},
            "'input[0].content[0].file_url' cannot be translated",
        ),
        (
            "/v1/messages",
            {"messages": said(DOCUMENT), "max_tokens": 9},
            "'messages[0].content[0].source' cannot be translated",
        ),
        (
            "/v1/responses",
            {"input": "Hi", "tools": [FUNCTION], "tool_choice": FUNCTION | {"name": "nope"}},
            "'tool_choice' demands the tool nope",
        ),
        (
            "/v1/messages",
            {
                "messages": said({"type": "text", "text": "Hi"}),
                "max_tokens": 9,
                "tools": [TOOL],
                "tool_choice": {"type": "tool", "name": "nope"},
            },
            "'tool_choice' demands the tool nope",
        ),
    ],
)
async def test_an_error_names_the_cause_and_not_another_mode(
    translating: Gateway, path: str, body: dict[str, Any], told: str
) -> None:
    response = await translating.http.post(path, json={"model": "gpt-5", **body})
    assert response.status_code == 400
    message = response.json()["error"]["message"]
    assert message.startswith(told)
    assert "Claude Code" not in message
