"""Whether a request is relayed in the dialect of its client, or translated."""

from collections.abc import Mapping

from modegate.dialects.chat.request import model_to_relay
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import GatewayError
from modegate.domain.routing.mode import ModeDecision
from modegate.domain.routing.route import RelayRoute, Routes


def is_spoken(
    dialect: DialectName,
    routes: Routes,
    decision: ModeDecision,
    params: Mapping[str, object],
    upstream_key: str | None = None,
) -> bool:
    """Returns whether the upstream of a request speaks its dialect.

    A request without a route has none; the pipeline that it enters says why.
    """
    try:
        route = routes.resolve(decision, upstream_key, model_to_relay(params))
    except GatewayError:
        return False
    return isinstance(route, RelayRoute) and route.upstream.speaks(dialect) is True
