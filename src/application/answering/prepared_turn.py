"""The result of preparing a turn."""

from modegate.application.answering.kept_responses import Answered
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.quota import Quota
from modegate.domain.turn import Turn
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PreparedTurn:
    """A turn for a backend, the frame for the renderer, and the remaining quota of the session.

    `asked` is the request, with the conversation that it continues. `redacts_arguments` is whether
    secrets are also removed from the arguments of calls.
    """

    turn: Turn
    frame: AnswerFrame
    quota: Quota
    asked: GenerationRequest
    redacts_arguments: bool = False

    @property
    def answered(self) -> Answered:
        """The facts for which the answer may be kept."""
        return Answered(self.asked, self.frame, self.turn.session.client)
