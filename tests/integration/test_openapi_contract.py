"""The gateway conforms to its OpenAPI document, as schemathesis checks."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.schemas import BaseSchema
from support.gateway import CLAUDE, COLD, FREELY, running_gateway
from support.openapi import CHAT, DOCUMENT, claude_code_alone, without_longest_arrays

from modegate.entrypoints.config.settings import Settings
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.answer_backend import ScriptedBackend

USAGE, MODELS = "/v1/usage", "/v1/models"
WHOLE = schemathesis.openapi.from_dict(without_longest_arrays())
CLAUDE_CODE = schemathesis.openapi.from_dict(claude_code_alone())
METHODS = ("get", "post", "patch", "put", "delete")
# Documented, but not by schemas that say which requests are valid.
OTHER = {"Relayed", "Messages"}
OPERATIONS = [
    pytest.param(path, method, id=f"{method.upper()} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
    and not OTHER.intersection(item[method]["tags"])
    and path not in {CHAT, USAGE, MODELS}
]
RELAYED = [
    pytest.param(path, method, id=f"{method.upper()} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item and "Relayed" in item[method]["tags"]
]

load_all_checks()
ACCEPTANCE_CHECKS = CHECKS.get_by_names(["positive_data_acceptance"])
VALIDITY_CHECKS = CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection"])

derandomized = settings(
    derandomize=True,
    database=None,
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("contract")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(served(folder)) as address,
    ):
        yield address


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """A gateway in front of a simulated upstream, with a scripted Claude."""
    provider = SimulatedProvider()
    async with provider.running() as upstream:
        chosen = Settings(
            **FREELY,
            **COLD,
            modegate_state_dir=folder / "state",
            openai_api_key=SecretStr("sk-server"),
            openai_base_url=f"{upstream}/v1",
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        async with running_gateway(chosen, environment, claude=ScriptedBackend()) as gateway:
            yield gateway.url


def validate(
    schema: BaseSchema, path: str, method: str, examples: settings = derandomized, **options: Any
) -> None:
    """Calls an operation with generated requests and validates the responses.

    The decorator of schemathesis makes the requests when the tests are collected, which each worker
    of pytest does for all tests. This makes them when the test runs.
    """

    def call(case: Any) -> None:
        if not repeats_a_name(case.body):
            case.call_and_validate(timeout=10, **options)

    (built,) = get_all_tests(
        schema=schema.include(path=path, method=method),
        test_func=call,
        settings=examples,
        given_kwargs=None,
    )
    assert isinstance(built, Ok)
    _, test = built.ok()
    test()


def repeats_a_name(body: Any) -> bool:
    """Whether two functions have one name, which a schema cannot forbid."""
    fields = body if isinstance(body, dict) else {}
    tools = [it for name in ("functions", "tools") for it in listed(fields.get(name))]
    # A tool has its description in a field that is named like its type.
    described = [it.get(str(it.get("type"))) or it for it in tools]
    names = [str(it.get("name")) for it in described if isinstance(it, dict)]
    return len(names) > len(set(names))


def listed(value: Any) -> list[dict[str, Any]]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_endpoints_other_than_chat_conform_to_the_openapi_document(
    path: str, method: str, url: str
) -> None:
    validate(WHOLE, path, method, base_url=url)


def test_usage_conforms_to_the_openapi_document(url: str) -> None:
    # A schema cannot say that `to` is later than `from`, or that a date exists.
    validate(WHOLE, USAGE, "get", base_url=url, excluded_checks=ACCEPTANCE_CHECKS)


def test_models_conform_to_the_openapi_document(url: str) -> None:
    # A schema cannot say which names are in the list, or that pages are for one of the forms.
    validate(WHOLE, MODELS, "get", base_url=url, excluded_checks=VALIDITY_CHECKS)


@pytest.mark.parametrize("path", [it for it in DOCUMENT["paths"] if it.startswith("/v1/messages")])
def test_messages_conform_to_the_openapi_document(path: str, url: str) -> None:
    few = settings(derandomized, max_examples=8)
    options = {"headers": CLAUDE, "excluded_checks": VALIDITY_CHECKS}
    validate(WHOLE, path, "post", few, base_url=url, **options)


@pytest.mark.parametrize(("path", "method"), RELAYED)
def test_relayed_operations_conform_to_the_openapi_document(
    path: str, method: str, url: str
) -> None:
    # Whether a request is valid depends on the mode and the upstream.
    few = settings(derandomized, max_examples=8)
    validate(WHOLE, path, method, few, base_url=url, excluded_checks=VALIDITY_CHECKS)


def test_chat_responses_of_either_mode_conform_to_the_openapi_document(url: str) -> None:
    # Whether a request is valid depends on the mode and the upstream.
    validate(WHOLE, CHAT, "post", base_url=url, excluded_checks=VALIDITY_CHECKS)


def test_claude_code_accepts_documented_requests_and_rejects_all_others(url: str) -> None:
    validate(CLAUDE_CODE, CHAT, "post", base_url=url, headers=CLAUDE)
