"""modegate: one OpenAI-compatible endpoint in front of the OpenAI API and the `claude` CLI.

`Gateway` and `SyncGateway` embed it in a program.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modegate.domain.batches.item import ItemResult
    from modegate.domain.errors import GatewayError
    from modegate.domain.routing.mode import Mode
    from modegate.entrypoints.config.settings import Settings
    from modegate.entrypoints.config.sources import SettingsError
    from modegate.entrypoints.gateway.answers import Answer, StreamEvent
    from modegate.entrypoints.gateway.conversation import Conversation
    from modegate.entrypoints.gateway.gateway import Gateway
    from modegate.entrypoints.gateway.streams import AnswerStream
    from modegate.entrypoints.gateway.sync import SyncGateway

__all__ = [
    "Answer",
    "AnswerStream",
    "Conversation",
    "Gateway",
    "GatewayError",
    "ItemResult",
    "Mode",
    "Settings",
    "SettingsError",
    "StreamEvent",
    "SyncGateway",
]

# The module of each public name; `import modegate` imports none of them.
_MODULES = {
    "Answer": "entrypoints.gateway.answers",
    "AnswerStream": "entrypoints.gateway.streams",
    "Conversation": "entrypoints.gateway.conversation",
    "Gateway": "entrypoints.gateway.gateway",
    "GatewayError": "domain.errors",
    "ItemResult": "domain.batches.item",
    "Mode": "domain.routing.mode",
    "Settings": "entrypoints.config.settings",
    "SettingsError": "entrypoints.config.sources",
    "StreamEvent": "entrypoints.gateway.answers",
    "SyncGateway": "entrypoints.gateway.sync",
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not needed to import the package

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
