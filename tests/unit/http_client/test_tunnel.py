"""The tunnel through a proxy, without a connection."""

import gc

import pytest

from modegate.http_client.connections.tunnel import Tunnel
from modegate.http_client.errors import ConnectError
from modegate.http_client.messages.route import Origin, Proxy, Route

ROUTE = Route(Origin("https", "api.example", 443), Proxy(Origin("http", "proxy.example", 3128)))


async def test_a_proxy_that_closes_before_the_request_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cancelled, awaited = Tunnel(), Tunnel()
    cancelled.connection_lost(None)
    awaited.connection_lost(None)
    with pytest.raises(ConnectError):
        await awaited.open(ROUTE)
    del cancelled
    gc.collect()
    assert caplog.records == []
