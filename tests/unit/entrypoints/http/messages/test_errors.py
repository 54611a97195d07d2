import json
from collections.abc import Iterator

import pytest

from modegate.domain.errors import GatewayError, StreamCutError, UpstreamRefusalError
from modegate.entrypoints.http.messages.errors import STATUSES, error_object, stream_error

FIELDS = {"message", "type", "param", "code"}
TYPES = {
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "server_error",
}


def leaves(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for child in below:
        yield from leaves(child)


def of_the_tree() -> set[type[GatewayError]]:
    """Without the classes that adapters and tests derive for themselves."""
    return {leaf for leaf in leaves(GatewayError) if leaf.__module__ == GatewayError.__module__}


def test_every_leaf_of_the_tree_has_a_status_and_nothing_else_has() -> None:
    assert of_the_tree() == set(STATUSES) | {UpstreamRefusalError}


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [leaf.code for leaf in of_the_tree()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", STATUSES)
def test_statuses_and_types_are_openais(kind: type[GatewayError]) -> None:
    status, name = STATUSES[kind]
    assert 400 <= status <= 504
    assert name in TYPES


def test_an_error_has_exactly_four_fields() -> None:
    error = json.loads(error_object("m", "server_error", "c"))["error"]
    assert error == {"message": "m", "type": "server_error", "param": None, "code": "c"}


@pytest.mark.parametrize("kind", [*STATUSES, StreamCutError])
def test_a_cut_stream_has_one_code_and_says_that_it_is_incomplete(
    kind: type[GatewayError],
) -> None:
    error = json.loads(stream_error(kind("Why.")))["error"]
    assert error.keys() == FIELDS
    assert (error["code"], error["param"]) == ("stream_error", None)
    assert error["message"] == "The answer is incomplete. Why."


def test_half_a_character_does_no_harm() -> None:
    assert json.loads(error_object("\ud800", "t", "c"))["error"]["message"] == "?"
