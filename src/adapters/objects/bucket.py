"""Objects in an object store, through obstore."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CONNECT_TIMEOUT = timedelta(seconds=1)
TIMEOUT = timedelta(seconds=5)
RETRIES = 2


def s3_bucket(url: str) -> "BucketObjects":
    """Returns the bucket and prefix of an address like `s3://bucket/prefix`.

    The endpoint, the region and the credentials come from the variables `AWS_…`, or from the
    machine's role.
    """
    return BucketObjects(
        S3Store.from_url(
            url,
            client_options={
                "connect_timeout": CONNECT_TIMEOUT,
                "timeout": TIMEOUT,
                "allow_http": True,  # a store on the same network; the endpoint decides
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": TIMEOUT},
        )
    )


class BucketObjects:
    """Objects of one bucket; a `put` is all or nothing there."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    async def put(self, name: str, data: bytes) -> None:
        """Puts an object."""
        try:
            await obstore.put_async(self._store, name, data)
        except BaseError as error:
            raise _failure("object could not be stored", error) from error

    async def get(self, name: str) -> bytes | None:
        """Gets an object."""
        try:
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise _failure("object could not be read", error) from error

    async def list(self, prefix: str) -> list[tuple[str, int]]:
        """Lists objects, in pages of 1000."""
        found: list[tuple[str, int]] = []
        try:
            async for page in obstore.list(self._store, prefix):
                found += [
                    (it["path"], round(it["last_modified"].timestamp() * 1000)) for it in page
                ]
        except BaseError as error:
            raise _failure("objects could not be listed", error) from error
        return found

    async def delete(self, names: Sequence[str]) -> None:
        """Deletes objects, in one request for a thousand."""
        try:
            await obstore.delete_async(self._store, [*names])
        except FileNotFoundError:
            pass
        except BaseError as error:
            raise _failure("objects could not be deleted", error) from error


def _failure(event: str, error: BaseError) -> OSError:
    """Returns an error with the server's code, such as `AccessDenied`, and nothing of the object."""
    told = str(error)
    code = re.search(r"<Code>(\w+)</Code>", told) or re.search("status code: ([0-9]+)", told)
    if code is not None:
        reason = code[1]
    elif "error sending request" in told:
        reason = "the endpoint cannot be reached"
    else:
        reason = type(error).__name__
    return OSError(f"{event}: {reason}")
