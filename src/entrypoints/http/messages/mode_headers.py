"""What the headers of a request say about its mode."""

import falcon.asgi

from modegate.domain.routing.mode import ModeDecision, decide_mode


def decision_of(req: falcon.asgi.Request) -> ModeDecision:
    """Returns the mode that the headers select; by default, if there are none.

    Raises:
        InvalidHeaderError: a header has an invalid value.
    """
    return decide_mode(req.get_header("X-Claude-Code"), req.get_header("X-Claude-Session-ID"))
