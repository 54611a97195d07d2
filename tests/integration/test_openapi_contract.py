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
from schemathesis.checks import CHECKS
from support.gateway import CLAUDE, COLD, FREELY, running_gateway
from support.openapi import CHAT, DOCUMENT, claude_code_alone

from modegate.entrypoints.config.settings import Settings
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.answer_backend import ScriptedBackend

USAGE = "/v1/usage"
chat = schemathesis.openapi.from_dict(DOCUMENT).include(path=CHAT)
usage = schemathesis.openapi.from_dict(DOCUMENT).include(path=USAGE)
relayed = schemathesis.openapi.from_dict(DOCUMENT).include(tag="Relayed")
others = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=[CHAT, USAGE]).exclude(tag="Relayed")
claude_code = schemathesis.openapi.from_dict(claude_code_alone())
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


@others.parametrize()
@derandomized
def test_endpoints_other_than_chat_conform_to_the_openapi_document(case: Any, url: str) -> None:
    case.call_and_validate(base_url=url, timeout=10)


@usage.parametrize()
@derandomized
def test_usage_conforms_to_the_openapi_document(case: Any, url: str) -> None:
    # A schema cannot say that `to` is later than `from`, or that a date exists.
    case.call_and_validate(base_url=url, timeout=10, excluded_checks=ACCEPTANCE_CHECKS)


@relayed.parametrize()
@settings(derandomized, max_examples=8)
def test_relayed_operations_conform_to_the_openapi_document(case: Any, url: str) -> None:
    # Whether a request is valid depends on the mode and the upstream.
    case.call_and_validate(base_url=url, timeout=10, excluded_checks=VALIDITY_CHECKS)


@chat.parametrize()
@derandomized
def test_chat_responses_of_either_mode_conform_to_the_openapi_document(case: Any, url: str) -> None:
    # Whether a request is valid depends on the mode and the upstream.
    case.call_and_validate(base_url=url, timeout=10, excluded_checks=VALIDITY_CHECKS)


@claude_code.parametrize()
@derandomized
def test_claude_code_accepts_documented_requests_and_rejects_all_others(
    case: Any, url: str
) -> None:
    case.call_and_validate(base_url=url, timeout=10, headers=CLAUDE)
