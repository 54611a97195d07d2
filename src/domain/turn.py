"""One prepared turn of a conversation, with nothing left to decide."""

from dataclasses import dataclass, field

from modegate.domain.param_policy import Effort
from modegate.domain.prompt import Prompt
from modegate.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What an answer backend needs to know.

    `cli_model` is the model after the model map. With `streamed`, text that was yielded has been
    sent and cannot be taken back.
    """

    cli_model: str
    prompt: Prompt = field(repr=False)
    session: Session
    resume: bool = False
    effort: Effort | None = None
    streamed: bool = False
