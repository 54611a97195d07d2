import uuid

import pytest

from modegate.domain.quota import Quota
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.http.middleware.response_headers import (
    SECURITY_HEADERS,
    STREAM_HEADERS,
    CommonHeaders,
    as_headers,
    request_id_of,
)

QUOTA = Quota(60, 59, 1000.5)


async def quota(_: object) -> Quota:
    return QUOTA


@pytest.mark.parametrize(
    ("streams", "security"), [(False, SECURITY_HEADERS), (True, STREAM_HEADERS)]
)
def test_a_response_gets_its_id_its_quota_and_security_headers(
    *, streams: bool, security: dict[str, str]
) -> None:
    record = RequestRecord(request_id="req-1")
    lines = CommonHeaders(quota).lines({}, record, QUOTA, streams=streams)
    assert dict(as_headers(lines)) == {
        b"x-request-id": b"req-1",
        b"x-ratelimit-limit": b"60",
        b"x-ratelimit-remaining": b"59",
        b"x-ratelimit-reset": b"1001",
        **{name.lower().encode(): value.encode() for name, value in security.items()},
    }


@pytest.mark.parametrize("mode", list(Mode))
def test_an_answer_names_its_mode(mode: Mode) -> None:
    lines = CommonHeaders(quota).lines({}, RequestRecord(mode=mode), QUOTA, streams=False)
    assert dict(as_headers(lines))[b"x-backend-mode"] == mode.encode()


def test_a_response_whose_quota_cannot_be_read_has_no_such_headers() -> None:
    lines = CommonHeaders(quota).lines({}, RequestRecord(request_id="req-1"), None, streams=False)
    names = {name for name, _ in as_headers(lines)}
    assert b"x-request-id" in names
    assert b"x-frame-options" in names
    assert not any(it.startswith(b"x-ratelimit") for it in names)


def test_a_responses_own_headers_override_security_headers() -> None:
    own = {b"cache-control": b"max-age=60"}
    lines = CommonHeaders(quota).lines(own, RequestRecord(), QUOTA, streams=False)
    names = [name for name, _ in as_headers(lines)]
    assert b"cache-control" not in names
    assert b"x-frame-options" in names


@pytest.mark.parametrize("requested_id", [b"a", b"req-1", b"x" * 128, b"!~"])
def test_a_valid_request_id_is_echoed(requested_id: bytes) -> None:
    assert request_id_of(requested_id) == requested_id.decode()


@pytest.mark.parametrize("requested_id", [None, b"", b"x" * 129, b"a b", b"\xfc", b"a\tb", b"\x7f"])
def test_an_invalid_or_missing_request_id_is_replaced_by_a_uuid(requested_id: bytes | None) -> None:
    replaced = uuid.UUID(request_id_of(requested_id))
    assert (replaced.version, replaced.variant) == (4, uuid.RFC_4122)
