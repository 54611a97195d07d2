"""What a turn asks for, as its tools and its translator."""

from collections.abc import AsyncGenerator, AsyncIterator

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.protocol.document import Document
from modegate.adapters.claude_cli.protocol.failures.retry_wait import Patience
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.structured.output_schema import OutputSchema
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.tools.shown_names import ShownNames
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    MessageStarted,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.turn import Turn


def offered_tools(turn: Turn, options: ClaudeOptions) -> OfferedTools | None:
    """Returns the client's tools; None if the model must not call any."""
    if turn.tools is None or not turn.tools.offered:
        return None
    return OfferedTools(turn.tools, options.max_tool_result_chars)


def translator_of(turn: Turn, tools: OfferedTools | None, options: ClaudeOptions) -> Translator:
    """Returns the translator of the CLI's events for this turn.

    Raises:
        InvalidRequestError: the schema of a structured answer is invalid.
    """
    return Translator(
        handed_out=turn.streamed,
        names=None if tools is None else ShownNames(tools, options.tools),
        patience=Patience(options.own_wait, options.api_retries),
        cuts_at_limit=options.cuts_at_limit,
        has_own_limit=turn.max_tokens is not None,
        document=(
            Document(OutputSchema(turn.output).document, turn.output.requests)
            if turn.output
            else None
        ),
        shows_reasoning=options.shows_reasoning,
    )


async def whole(
    events: AsyncIterator[AnswerEvent], translator: Translator
) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the text in one piece, because the CLI may retract parts of it until the end."""
    async for event in events:
        if not isinstance(event, Started | Finished):
            continue
        if isinstance(event, Finished):
            yield MessageStarted()
            if reasoning := translator.reasoning:
                yield ReasoningDelta(reasoning)
            if text := translator.text:
                yield TextDelta(text)
            for index, call in enumerate(translator.calls):
                yield ToolCallStarted(index, call.id, call.name)
                yield ToolCallDelta(index, call.arguments)
        yield event
