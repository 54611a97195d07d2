"""Rejects WebSockets on relayed paths in a way that clients understand.

Codex tries a WebSocket first. A 426 makes it use HTTP at once; after any other status it connects
again several times.
"""

import falcon.asgi

from modegate.domain.errors.catalogue import routing

# Attribute of a resource whose paths an upstream may offer as WebSockets.
IS_RELAYED = "is_relayed"
# The server renames the header `Upgrade`, because it takes no upgrade.
DECLINED_UPGRADE = "x-declined"
WEBSOCKET = "websocket"
SUPPORTED = "HTTP/1.1"


def reject_websocket(req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
    """Rejects a request to switch to a WebSocket; all other offers are ignored.

    Raises:
        WebSocketError: the request asks for a WebSocket.
    """
    offers = (req.get_header(DECLINED_UPGRADE) or "").lower().split(",")
    if WEBSOCKET in (offer.strip() for offer in offers):
        resp.set_header("Upgrade", SUPPORTED)  # required by RFC 9110, section 15.5.22
        raise routing.websocket()
