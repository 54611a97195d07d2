import uuid

import pytest

from modegate.entrypoints.http.middleware.response_headers import request_id_of


@pytest.mark.parametrize("wish", ["a", "req-1", "x" * 128, "!~"])
def test_a_fit_id_is_echoed(wish: str) -> None:
    assert request_id_of(wish) == wish


@pytest.mark.parametrize("wish", [None, "", "x" * 129, "a b", "ü", "a\tb", "\x7f"])
def test_any_other_is_replaced(wish: str | None) -> None:
    assert uuid.UUID(request_id_of(wish)).version == 4
