"""`modegate chat` tells the gateway's errors with options in place of headers."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import httpx2
import openai
import pytest
from support.error_samples import SAMPLES, SESSION, own_subclass

from modegate.domain.errors import GatewayError
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.chat_errors import explain, stream_failed
from modegate.entrypoints.cli.chat_options import ChatOptions
from modegate.entrypoints.cli.wording import CLIENT
from modegate.entrypoints.http.messages.errors import render_error, stream_error
from modegate.entrypoints.http.messages.wording import HEADERS

QUESTION = ChatOptions("Hi", "http://127.0.0.1:9/v1", Mode.CLAUDE_CODE, session=SESSION.upper())
ERRORS: Mapping[str, GatewayError] = {
    name: error
    for name, error in SAMPLES.items()
    if "X-Claude" in error.explain(HEADERS) and not name.startswith("parameters.")
}

# `chat` never sends a key for the upstream.
REACHABLE = [name for name, it in SAMPLES.items() if "X-OpenAI-API-Key" not in it.explain(HEADERS)]


def raised(error: GatewayError, **headers: str) -> openai.APIStatusError:
    """The error of the SDK for a response of the gateway."""
    status, body = render_error(error)
    request = httpx2.Request("POST", QUESTION.url)
    response = httpx2.Response(status, content=body, request=request, headers=headers)
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


@pytest.mark.parametrize("name", ["access.unusable_key", "access.replaced_secret"])
def test_a_key_that_is_not_accepted_any_more_says_why(name: str) -> None:
    error = SAMPLES[name]
    told = explain(raised(error, **{"WWW-Authenticate": "Bearer"}), replace(QUESTION, key="sk"))
    assert told == error.explain(CLIENT).rstrip(".")


def test_a_rate_limit_names_the_seconds_and_no_header() -> None:
    told = explain(raised(SAMPLES["limits.too_many_requests"], **{"Retry-After": "9"}), QUESTION)
    assert told.endswith("send them more slowly, and this one again in 9 s (HTTP 429)")
    assert "Retry-After" not in told


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", REACHABLE)
def test_no_message_names_a_header(name: str, mode: Mode) -> None:
    told = explain(raised(SAMPLES[name]), replace(QUESTION, mode=mode))
    assert not re.search(r"Retry-After|X-[A-Z]|Authorization", told), told


def test_a_model_that_the_account_lacks_is_not_called_unknown() -> None:
    told = explain(raised(SAMPLES["claude_code.unknown_model"]), QUESTION)
    assert "does not offer this model to the server's account" in told
    assert "choose another one with --model, such as sonnet" in told


def event(message: str) -> openai.APIError:
    return openai.APIError(message, request=httpx2.Request("POST", QUESTION.url), body={})


@pytest.mark.parametrize("name", REACHABLE)
def test_a_cut_stream_has_the_advice_of_its_error_and_no_other(name: str) -> None:
    error = SAMPLES[name]
    told = stream_failed(event(json.loads(stream_error(error))["error"]["message"]))
    assert told.startswith("the answer was cut: ")
    assert "incomplete. " not in told
    assert not told.endswith(": retry")
    assert not re.search(r"Retry-After|X-[A-Z]|Authorization", told), told


def test_an_upstreams_error_event_is_reported_without_advice() -> None:
    assert stream_failed(event("Out of tokens.")) == "the answer was cut: Out of tokens"


def test_other_messages_stay_as_they_are() -> None:
    told = explain(raised(SAMPLES["claude_code.exhausted"]), QUESTION)
    assert told.endswith("to start Claude Code: send the request again later (HTTP 503)")


def test_the_hint_about_an_upstreams_error_follows_it() -> None:
    error = raised(SAMPLES["claude_code.exhausted"])
    error.response.headers["X-Modegate-Hint"] = "No credit: add some."
    assert explain(error, QUESTION).endswith("again later (HTTP 503). No credit: add some")


def test_the_models_of_the_gateway_are_named() -> None:
    told = explain(raised(SAMPLES["parameters.unknown_model"]), QUESTION)
    assert told.endswith("choose another with --model, one of: opus, gpt-4o-*, default")
