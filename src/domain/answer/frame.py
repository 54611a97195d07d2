"""The metadata of an answer."""

from dataclasses import dataclass

from modegate.domain.session import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFrame:
    """The facts that a dialect renders around the events of an answer.

    `model` is the client's name for the model; `created` is in Unix seconds; `ignored` names the
    parameters that have no effect; `new_session` marks the first turn of the session.
    """

    completion_id: str
    created: int
    model: str
    session_id: SessionId
    new_session: bool = False
    include_usage: bool = False
    ignored: tuple[str, ...] = ()
