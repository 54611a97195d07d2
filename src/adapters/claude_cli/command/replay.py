"""What of a new session's conversation is written as its transcript, and what is then asked."""

from dataclasses import replace

from modegate.adapters.claude_cli.content import as_plain_text
from modegate.domain.conversation.message import Message, Role, TextPart, text_message
from modegate.domain.conversation.prompt import Prompt
from modegate.lazy_dataclass import dataclass

# Asks for the rest of an answer with which a conversation ends. These are the CLI's own words for
# that (2.1.329), which no model has to be told the meaning of.
GO_ON = "Continue from where you left off."


@dataclass(frozen=True)
class Replay:
    """The turns of the transcript, and the prompt that follows them.

    The CLI goes on with a conversation that ends with results, or with what the user says to them,
    by itself: `asked` then has no turn.
    """

    history: tuple[Message, ...]
    asked: Prompt


def replay_of(prompt: Prompt) -> Replay:
    """Returns how a new session begins with a conversation; without a history for a single turn."""
    said = prompt.said
    if not prompt.is_dialogue:
        return Replay((), Prompt(prompt.system, said))
    end = max(i for i, it in enumerate(said) if it.role is not Role.USER) + 1
    if said[end - 1].is_result or said[end - 1].calls:
        return Replay(_without_command(said), Prompt(prompt.system, ()))
    asked = said[end:] or (text_message(Role.USER, GO_ON),)
    return Replay(said[:end], Prompt(prompt.system, asked))


def _without_command(said: tuple[Message, ...]) -> tuple[Message, ...]:
    """Returns the messages; the CLI takes the last one, if it is a user's, as a prompt."""
    last = said[-1]
    if last.role is not Role.USER or not last.parts or not isinstance(last.parts[0], TextPart):
        return said
    first = TextPart(as_plain_text(last.parts[0].text))
    return (*said[:-1], replace(last, parts=(first, *last.parts[1:])))
