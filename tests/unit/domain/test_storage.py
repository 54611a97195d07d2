"""Classification of disk errors and the errors that clients get."""

import errno
import re

import pytest

from modegate.domain.storage import StorageFault, fault_of, storage_error


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (errno.ENOSPC, StorageFault.FULL),
        (errno.EDQUOT, StorageFault.FULL),
        (errno.EFBIG, StorageFault.FULL),
        (errno.EMFILE, StorageFault.BUSY),
        (errno.ENFILE, StorageFault.BUSY),
        (errno.EROFS, StorageFault.BROKEN),
        (errno.EACCES, StorageFault.BROKEN),
        (errno.EIO, StorageFault.BROKEN),
        (errno.ENOENT, StorageFault.BROKEN),
        (errno.ENOTDIR, StorageFault.BROKEN),
        (None, StorageFault.BROKEN),
    ],
)
def test_every_os_error_maps_to_a_storage_fault(code: int | None, fault: StorageFault) -> None:
    error = OSError() if code is None else OSError(code, "x", "/secret/path")
    assert fault_of(error) is fault


@pytest.mark.parametrize("fault", StorageFault)
def test_storage_errors_give_advice_without_disclosing_a_path(fault: StorageFault) -> None:
    error = storage_error(fault)
    assert error.code == "storage_unavailable"
    assert error.remedies
    assert "/" not in error.message
    assert re.match("[A-Z].*[.]$", error.message)
    assert (error.retry_after is not None) == (fault is StorageFault.BUSY)
