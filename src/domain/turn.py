"""One prepared turn of a conversation."""

from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import Session
from modegate.domain.structured.output_format import OutputFormat
from modegate.domain.tools.client_tool import ToolOffer
from modegate.lazy_dataclass import dataclass


def noop(_: Usage, __: str | None) -> None:
    """No-op callback."""


class OnStored(Protocol):
    """What a backend that stores transcripts awaits at the end of a turn."""

    async def __call__(
        self, cli_session_id: str | None, transcript: str | None, unstored: str = "", /
    ) -> bool:
        """Acknowledges the turn; returns whether the session's record is stored.

        The record then names `transcript`, the version that is stored with this turn. If it is None,
        `unstored` names a turn that is to be stored later, and is empty if it never will be. Without
        a `cli_session_id` the turn is not part of the conversation.
        """
        ...


async def not_acknowledged(_: str | None, __: str | None, ___: str = "") -> bool:
    """No-op callback."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The input of an answer backend; all decisions have been made.

    `cli_model` is the model after the model map. With `streamed`, yielded text has been sent and
    cannot be revoked. `tools` are the client's own; `max_tokens` bounds the answer, reasoning
    included, and the answer ends before the first of the texts in `stop`. With an
    `output` the answer is a document of that format. `on_cut` is called with
    the usage so far, and the model that answered, if the turn ends without `Finished`.

    A backend that stores transcripts for other gateways awaits `on_stored` before `Finished`, and
    where it keeps a turn without one.
    """

    cli_model: str
    prompt: Prompt = field(repr=False)
    session: Session
    resume: bool = False
    effort: Effort | None = None
    streamed: bool = False
    tools: ToolOffer | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    output: OutputFormat | None = None
    on_cut: Callable[[Usage, str | None], None] = field(default=noop, repr=False, compare=False)
    on_stored: OnStored = field(default=not_acknowledged, repr=False, compare=False)
