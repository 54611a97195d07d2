"""A team's own subclass of an error is treated as its parent, at every edge."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from dependency_injector import providers
from pydantic import SecretStr
from support.error_samples import SAMPLES, own_subclass
from support.gateway import Gateway, GatewayFactory
from support.waiting import settled

from modegate.domain import errors
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.upstream_response import UpstreamResponse
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.cli.doctor_live import UNREACHED, UPSTREAM_UNREACHED, ask_upstreams
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.messages.request_body import not_json, too_large
from modegate.testing.answer_backend import ScriptedBackend, says

BRANCHES = (
    errors.RequestError,
    errors.AccessError,
    errors.BusyError,
    errors.ConfigurationError,
    errors.BackendError,
    errors.GatewayError,
)
HEAD = (("content-type", "application/json"),)
REFUSAL = UpstreamRefusalError(UpstreamResponse(418, HEAD, b'{"error":{"message":"tea"}}'))
PARENTS: Mapping[str, GatewayError] = {
    **{type(error).__name__: error for error in SAMPLES.values()},
    **{branch.__name__: branch("Why.", retry_after=3) for branch in BRANCHES},
    "UpstreamRefusalError": REFUSAL,
    "PayloadTooLargeError": too_large(1),
    "UnsupportedMediaTypeError": not_json(),
}
VARYING = ("x-request-id", "x-claude-session-id", "x-ratelimit-", "date")


def test_every_class_of_the_tree_is_tried() -> None:
    named = (it for it in vars(errors).values() if isinstance(it, type))
    assert {it.__name__ for it in named if issubclass(it, GatewayError)} == set(PARENTS)


async def seen(
    running: Gateway,
    backend: ScriptedBackend,
    error: GatewayError,
    caplog: pytest.LogCaptureFixture,
) -> list[object]:
    """What a client and the operator see of an error, before a stream and within it."""
    found: list[object] = []
    for script, streamed in (((error,), False), ((*says("Hi")[:-1], error), True)):
        backend.script = script
        caplog.clear()
        response = await running.claude(stream=streamed)
        await settled()
        headers = {k: v for k, v in response.headers.items() if not k.startswith(VARYING)}
        body = re.sub(r'"(id|created)":("[^"]*"|\d+)', "", response.text)
        logged: Any = [it for it in caplog.records if it.name == "modegate.requests"]
        fields = [(it.fields["status"], it.fields["error"]) for it in logged]
        found += [response.status_code, headers, body, fields]
    return found


async def counted(running: Gateway, code: str) -> float:
    page = (await running.http.get("/metrics")).text
    found = re.search(rf'modegate_errors_total{{code="{code}",mode="claude-code"}} (\S+)', page)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("name", PARENTS)
async def test_a_subclass_is_rendered_logged_and_counted_as_its_parent(
    name: str, gateway: GatewayFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "modegate.requests")
    backend = ScriptedBackend()
    async with gateway(claude=backend) as running:
        parent = await seen(running, backend, PARENTS[name], caplog)
        once = await counted(running, PARENTS[name].code)
        assert await seen(running, backend, own_subclass(PARENTS[name]), caplog) == parent
        assert once > 0
        assert await counted(running, PARENTS[name].code) == 2 * once


@pytest.mark.parametrize("kind", UNREACHED)
async def test_doctor_advises_on_a_subclass_as_on_its_parent(kind: type[GatewayError]) -> None:
    class Catalog:
        async def list_models(self, *_: object) -> list[dict[str, object]]:
            raise own_subclass(kind("Why."))

    settings = Settings(openai_api_key=SecretStr("sk-x"))
    container = Container(settings=settings, environment=providers.Object({}))
    container.model_catalog.override(providers.Object(Catalog()))
    (diagnostic,) = [it async for it in ask_upstreams(container)]
    assert diagnostic.advice == UPSTREAM_UNREACHED
