"""Functions that the client runs itself when the model calls them."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum, auto

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ClientTool:
    """A function as the client describes it; `parameters` is the JSON Schema of its arguments.

    With `free_text`, the client takes a text and no arguments; the model gives that text as the
    argument `input` (`free_text.py`).
    """

    name: str
    description: str = field(default="", repr=False)
    parameters: Mapping[str, object] = field(default_factory=dict, repr=False, hash=False)
    strict: bool | None = None
    free_text: bool = False


class Calling(Enum):
    """Whether the model may, must or must not call tools."""

    AUTO = auto()
    NONE = auto()
    REQUIRED = auto()


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """The tools of one turn: `tools` are all that the client has, `callable` those it may call.

    `callable` holds names; None means all. With `REQUIRED`, an answer without a call of one of them
    is not accepted. Without `parallel`, the model calls at most one tool in an answer. `legacy`
    marks the chat dialect's `functions`, whose calls have no ids and are answered in that form.
    """

    tools: tuple[ClientTool, ...]
    calling: Calling = Calling.AUTO
    callable: frozenset[str] | None = None
    parallel: bool = True
    legacy: bool = False

    @property
    def offered(self) -> tuple[ClientTool, ...]:
        """The tools that the model is told of."""
        if self.calling is Calling.NONE:
            return ()
        return tuple(it for it in self.tools if self.callable is None or it.name in self.callable)
