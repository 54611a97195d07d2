"""Requests that go on from responses which gateways keep."""

from typing import Any

import pytest

from modegate.dialects.responses.references import goes_on_from_kept


@pytest.mark.parametrize(
    ("params", "goes_on"),
    [
        ({"input": "Hi"}, False),
        ({"previous_response_id": "resp_mg_1"}, True),
        ({"previous_response_id": "resp_1"}, False),
        ({"previous_response_id": 7}, False),
        ({"input": [{"type": "item_reference", "id": "fc_mg_1_0"}]}, True),
        ({"input": [{"type": "item_reference", "id": "fc_1"}]}, False),
        ({"input": [{"type": "message", "id": "msg_mg_1_0"}, None]}, False),
    ],
)
def test_ids_of_gateways_say_so(params: Any, goes_on: bool) -> None:
    assert goes_on_from_kept(params) is goes_on
