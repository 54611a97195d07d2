"""One prepared turn of a conversation."""

from dataclasses import dataclass, field

from modegate.domain.conversation.prompt import Prompt
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The input of an answer backend; all decisions have been made.

    `cli_model` is the model after the model map. With `streamed`, yielded text has been sent and
    cannot be revoked.
    """

    cli_model: str
    prompt: Prompt = field(repr=False)
    session: Session
    resume: bool = False
    effort: Effort | None = None
    streamed: bool = False
