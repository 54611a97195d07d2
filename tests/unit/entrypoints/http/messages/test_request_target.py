"""The target of a relayed request."""

import pytest

from modegate.entrypoints.http.messages.request_target import target_of


def scope(path: bytes, query: bytes = b"", **headers: str) -> dict[str, object]:
    named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"method": "GET", "raw_path": path, "query_string": query, "headers": named}


def test_path_and_query_stay_as_they_came() -> None:
    target = target_of(scope(b"/v1/files/a%20b/content", b"x=%2F&y"))
    assert target is not None
    assert (target.path, target.query) == ("/files/a%20b/content", "x=%2F&y")


def test_other_bytes_are_percent_encoded() -> None:
    target = target_of(scope(b"/v1/files/\xc3\xa9", b"a=\xff b"))
    assert target is not None
    assert (target.path, target.query) == ("/files/%C3%A9", "a=%FF%20b")


@pytest.mark.parametrize(
    "path",
    [
        *(b"/v1/a/../b", b"/v1/a/./b", b"/v1/%2E%2e/b", b"/v1//b", b"/v1/a%2fb", b"/v1/a%5Cb"),
        *(b"/v1/a%00", b"/v1/a%25b", b"/v1/a\\b", b"/v1/a;b", b"/v1/a%3Fb", b"/v1/a%23"),
    ],
)
def test_ambiguous_paths_have_no_target(path: bytes) -> None:
    assert target_of(scope(path)) is None


def test_only_headers_of_the_content_are_relayed() -> None:
    target = target_of(
        scope(
            b"/v1/files",
            x_api_key="k",
            authorization="a",
            cookie="c",
            range="bytes=0-1",
            accept="*/*",
        )
    )
    assert target is not None
    assert dict(target.headers) == {"range": "bytes=0-1", "accept": "*/*"}
