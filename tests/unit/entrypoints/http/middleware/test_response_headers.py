import uuid

import pytest

from modegate.entrypoints.http.middleware.response_headers import request_id_of


@pytest.mark.parametrize("requested_id", ["a", "req-1", "x" * 128, "!~"])
def test_a_valid_request_id_is_echoed(requested_id: str) -> None:
    assert request_id_of(requested_id) == requested_id


@pytest.mark.parametrize("requested_id", [None, "", "x" * 129, "a b", "ü", "a\tb", "\x7f"])
def test_an_invalid_or_missing_request_id_is_replaced_by_a_uuid(requested_id: str | None) -> None:
    assert uuid.UUID(request_id_of(requested_id)).version == 4
