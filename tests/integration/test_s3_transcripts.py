"""Archives of transcripts in a real S3 server."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from claude_agent_sdk.testing import run_session_store_conformance
from support.s3 import BUCKET, environment, s3_server

from modegate.adapters.objects.bucket import s3_bucket
from modegate.adapters.objects.transcript_archive import ObjectTranscriptArchive
from modegate.application.ports.transcript_archive import TranscriptKey
from modegate.domain.errors import StorageError

KEY: TranscriptKey = {"project_key": "a/../b:%", "session_id": "é {}=", "subpath": "x/.."}
MAIN: TranscriptKey = {"project_key": "p", "session_id": "s"}
Archive = Callable[[str], ObjectTranscriptArchive]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture
def archive(server: str, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Opens an archive in a bucket, with the credentials of the environment."""
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    numbers = itertools.count()
    return lambda bucket: ObjectTranscriptArchive(s3_bucket(f"s3://{bucket}/p{next(numbers)}"))


@pytest.mark.exhaustive
async def test_the_sdks_conformance_suite_passes(archive: Archive) -> None:
    async def make() -> Any:
        return archive(BUCKET)

    await run_session_store_conformance(make)


@pytest.mark.exhaustive
async def test_odd_names_and_large_entries_come_back_equal(archive: Archive) -> None:
    entries = [{"type": "user", "text": "é \ud800 \u2028"}, {"type": "x", "large": "x" * 6_000_000}]
    stored = archive(BUCKET)
    await stored.append(KEY, entries)
    assert await stored.load(KEY) == entries
    assert await stored.list_subkeys({**KEY, "subpath": ""}) == ["x/.."]
    await stored.delete(KEY)
    assert await stored.load(KEY) is None


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("bucket", "secret", "reasons"),
    [
        (BUCKET, "wrong", {"SignatureDoesNotMatch"}),
        ("others", None, {"AccessDenied"}),
    ],
)
async def test_a_refusal_is_a_storage_error_whose_reason_is_logged(
    bucket: str,
    secret: str | None,
    reasons: set[str],
    archive: Archive,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if secret is not None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    refused = archive(bucket)
    for call in (
        refused.append(MAIN, [{"type": "x"}]),
        refused.load(MAIN),
        refused.delete(MAIN),
        refused.list_sessions("p"),
    ):
        with pytest.raises(StorageError):
            await call
    assert {it for it in reasons if it in caplog.text} == reasons, caplog.text
    assert "http://" not in caplog.text


async def test_a_bucket_that_is_away_is_a_storage_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    archive = ObjectTranscriptArchive(s3_bucket("s3://bucket/prefix"))
    for call in (
        archive.append(MAIN, [{"type": "x"}]),
        archive.load(MAIN),
        archive.delete(MAIN),
        archive.list_sessions("p"),
    ):
        with pytest.raises(StorageError):
            await call
    (first, *_) = caplog.messages
    assert first == (
        "archive of transcripts failed: object could not be stored: the endpoint cannot be reached"
    )
