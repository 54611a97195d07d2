"""The endpoints that items of a batch may name."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.routing.operation import Operation
from modegate.domain.routing.operations import OPERATIONS

VERSION = "/v1"
CHAT = f"{VERSION}/chat/completions"
# Paths whose request and answer are JSON, and the templates of their operations.
_RELAYED = {
    "/completions": "/completions",
    "/embeddings": "/embeddings",
    "/images/generations": "/images/{action}",
    "/moderations": "/moderations",
    "/responses": "/responses",
}
_BY_TEMPLATE = {it.template: it for it in OPERATIONS}

ENDPOINTS: Mapping[str, Operation | None] = MappingProxyType(
    {CHAT: None}
    | {f"{VERSION}{path}": _BY_TEMPLATE[template] for path, template in _RELAYED.items()}
)
"""Each URL with its relayed operation; None for chat completions, which both modes answer."""
