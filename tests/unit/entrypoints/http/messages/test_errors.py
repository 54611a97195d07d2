import json
from collections.abc import Iterator

import pytest

from modegate.dialects.chat.errors import error_object
from modegate.domain import errors
from modegate.domain.errors import (
    GatewayError,
    NoCredentialsError,
    StreamCutError,
    UpstreamRefusalError,
)
from modegate.entrypoints.http.messages.errors import (
    STATUSES,
    framework_error,
    render_error,
    stream_error,
)

TREE = "modegate.domain.errors."
FIELDS = {"message", "type", "param", "code"}
TYPES = {
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "server_error",
}


def leaves(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    """Yields the leaf error classes, without those that adapters and tests derive."""
    below = [it for it in kind.__subclasses__() if it.__module__.startswith(TREE)]
    if not below:
        yield kind
    for child in below:
        yield from leaves(child)


def leaf_errors() -> set[type[GatewayError]]:
    return set(leaves(GatewayError))


def test_exactly_the_leaf_errors_except_upstream_refusal_have_a_status() -> None:
    assert leaf_errors() == set(STATUSES) | {UpstreamRefusalError}


def test_every_leaf_error_has_a_unique_code() -> None:
    # Two statuses of one condition: all credentials are out of use, for a time or for good.
    codes = [leaf.code for leaf in leaf_errors() - {NoCredentialsError}]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", STATUSES)
def test_error_statuses_and_types_are_those_of_openai(kind: type[GatewayError]) -> None:
    status, name = STATUSES[kind]
    assert 400 <= status <= 504
    assert name in TYPES


def test_an_error_object_has_exactly_four_fields() -> None:
    error = json.loads(error_object("m", "server_error", "c"))["error"]
    assert error == {"message": "m", "type": "server_error", "param": None, "code": "c"}


@pytest.mark.parametrize("kind", [*STATUSES, StreamCutError])
def test_every_stream_error_has_one_code_and_says_the_answer_is_incomplete(
    kind: type[GatewayError],
) -> None:
    error = json.loads(stream_error(kind("Why.")))["error"]
    assert error.keys() == FIELDS
    assert (error["code"], error["param"]) == ("stream_error", None)
    assert error["message"] == "The answer is incomplete. Why."


@pytest.mark.parametrize("kind", STATUSES)
def test_a_custom_error_subclass_is_rendered_like_its_parent(kind: type[GatewayError]) -> None:
    subclass = type("Custom", (kind,), {"__module__": __name__})
    below = type("MoreCustom", (subclass,), {"__module__": __name__})
    for error in (subclass("Why."), below("Why.")):
        assert render_error(error) == render_error(kind("Why."))
        assert stream_error(error) == stream_error(kind("Why."))


@pytest.mark.parametrize(
    ("branch", "status", "type_", "code"),
    [
        (errors.RequestError, 400, "invalid_request_error", "invalid_request"),
        (errors.AccessError, 401, "authentication_error", "invalid_api_key"),
        (errors.BusyError, 429, "rate_limit_error", "capacity_exceeded"),
        (errors.ConfigurationError, 503, "server_error", "backend_unavailable"),
        (errors.BackendError, 502, "server_error", "backend_error"),
        (GatewayError, 502, "server_error", "backend_error"),
    ],
)
def test_a_leaf_of_your_own_is_rendered_as_its_branch(
    branch: type[GatewayError], status: int, type_: str, code: str
) -> None:
    plain = type("PlainError", (branch,), {"__module__": __name__})
    coded = type("CodedError", (branch,), {"__module__": __name__, "code": "custom"})
    for kind, shown in ((plain, code), (coded, "custom")):
        found, body = render_error(kind("Why."))
        error = json.loads(body)["error"]
        assert (found, error["type"], error["code"]) == (status, type_, shown)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "This URL does not exist: see /docs, or use /v1/chat/completions."),
        (405, "This URL does not support the method: use one that the header Allow lists."),
    ],
)
def test_errors_of_the_framework_say_what_to_do(status: int, message: str) -> None:
    assert json.loads(framework_error(status))["error"]["message"] == message


def test_a_lone_surrogate_in_an_error_message_is_replaced() -> None:
    assert json.loads(error_object("\ud800", "t", "c"))["error"]["message"] == "?"
