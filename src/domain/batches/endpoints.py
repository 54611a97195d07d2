"""The endpoints that items of a batch may name."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.dialect_name import DialectName
from modegate.domain.routing.operation import Operation
from modegate.domain.routing.operations import MESSAGES, OPERATIONS
from modegate.lazy_dataclass import dataclass

VERSION = "/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What answers a URL: both modes if it has a `dialect`, else passthrough by its `operation`.

    Chat completions have no operation of their own.
    """

    dialect: DialectName | None = None
    operation: Operation | None = None


# Paths whose request and answer are JSON, and the templates of their operations.
_RELAYED = {
    "/completions": "/completions",
    "/embeddings": "/embeddings",
    "/images/generations": "/images/{action}",
    "/moderations": "/moderations",
}
_BY_TEMPLATE = {it.template: it for it in OPERATIONS}

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        f"{VERSION}/chat/completions": Endpoint(dialect=DialectName.CHAT),
        f"{VERSION}/messages": Endpoint(dialect=DialectName.MESSAGES, operation=MESSAGES),
        f"{VERSION}/responses": Endpoint(
            dialect=DialectName.RESPONSES, operation=_BY_TEMPLATE["/responses"]
        ),
    }
    | {
        f"{VERSION}{path}": Endpoint(operation=_BY_TEMPLATE[template])
        for path, template in _RELAYED.items()
    }
)
"""Each URL with its endpoint."""
