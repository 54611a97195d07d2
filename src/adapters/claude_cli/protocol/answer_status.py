"""How far an answer has come, without I/O."""

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStatus:
    """What the end of a turn needs to know about its answer."""

    answered: bool  # whether the last chunk was made
    known: bool  # whether a client has received part of the answer, or will
    cli_ended: bool  # whether the CLI has ended its own turn
    refused: bool  # whether the model withheld its last message
    awaits_results: bool = False  # whether it ended with calls that the CLI waits for
