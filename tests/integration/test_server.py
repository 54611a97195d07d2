"""The addresses on which a server listens."""

import gc
import warnings

import pytest

from modegate.entrypoints.http.server.listener import AddressError, listen


def test_listening_on_an_address_in_use_leaves_no_socket_open() -> None:
    with listen("127.0.0.1", 0) as taken, warnings.catch_warnings(record=True) as leaks:
        warnings.simplefilter("always")
        with pytest.raises(AddressError, match="choose another"):
            listen("127.0.0.1", taken.getsockname()[1])
        gc.collect()
    assert leaks == []


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", ".example"])
def test_an_invalid_host_name_is_an_address_error(host: str) -> None:
    with pytest.raises(AddressError, match="HOST"):
        listen(host, 0)
