"""`modegate chat` tells the gateway's errors with options in place of headers."""

import json
from collections.abc import Mapping

import httpx2
import openai
import pytest
from support.error_samples import SAMPLES, SESSION, own_subclass

from modegate.domain.errors import GatewayError
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.chat_errors import explain
from modegate.entrypoints.cli.chat_options import ChatOptions
from modegate.entrypoints.cli.wording import CLIENT
from modegate.entrypoints.http.messages.errors import render_error
from modegate.entrypoints.http.messages.wording import HEADERS

QUESTION = ChatOptions("Hi", "http://127.0.0.1:9/v1", Mode.CLAUDE_CODE, session=SESSION.upper())
ERRORS: Mapping[str, GatewayError] = {
    name: error
    for name, error in SAMPLES.items()
    if "X-Claude" in error.explain(HEADERS) and not name.startswith("parameters.")
}


def raised(error: GatewayError) -> openai.APIStatusError:
    """The error of the SDK for a response of the gateway."""
    status, body = render_error(error)
    request = httpx2.Request("POST", QUESTION.url)
    response = httpx2.Response(status, content=body, request=request)
    return openai.APIStatusError("x", response=response, body=json.loads(body)["error"])


@pytest.mark.parametrize("name", ERRORS)
def test_headers_become_options(name: str) -> None:
    error = ERRORS[name]
    assert explain(raised(error), QUESTION) == error.explain(CLIENT).rstrip(".")


@pytest.mark.parametrize("name", ERRORS)
def test_a_subclass_is_explained_as_its_parent(name: str) -> None:
    error = ERRORS[name]
    own = own_subclass(error, code="own")
    assert explain(raised(own), QUESTION) == explain(raised(error), QUESTION)


def test_other_messages_stay_as_they_are() -> None:
    told = explain(raised(SAMPLES["claude_code.exhausted"]), QUESTION)
    assert told.endswith("to start Claude Code: send the request again later (HTTP 503)")


def test_the_models_of_the_gateway_are_named() -> None:
    told = explain(raised(SAMPLES["parameters.unknown_model"]), QUESTION)
    assert told.endswith("choose another with --model, one of: opus, gpt-4o-*, default")
