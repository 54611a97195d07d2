"""The step that records what an answer used and cost."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial

from modegate.application.usage.pricing import Asked, Pricing
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.operation import Spending
from modegate.domain.routing.route import RelayRoute
from modegate.domain.usage.estimates import estimated_tokens, size_of, text_estimate
from modegate.domain.usage.prices import PriceTable
from modegate.lazy_dataclass import dataclass

# Receives a usage, and the model that answered.
NoteUsage = Callable[[Usage, str | None], None]

# `price_version` of the figure that the CLI reports.
FROM_CLI = "claude-cli"
CLAUDE_URL = "https://api.anthropic.com"


@dataclass(frozen=True, slots=True)
class Metering:
    """Records the usage of answers, the model that answered, and the cost."""

    pricing: Pricing

    def of_relay(
        self,
        route: RelayRoute,
        record: RequestRecord,
        prices: PriceTable,
        spending: Spending = Spending.TOKENS,
    ) -> NoteUsage:
        """Returns the callback for the usage of a relayed answer.

        The built-in prices are those of text, so they do not apply to images and sounds.
        """
        return partial(self._note, record, self.asked(route, prices, spending))

    def asked(
        self, route: RelayRoute, prices: PriceTable, spending: Spending = Spending.TOKENS
    ) -> Asked:
        """Returns where a request goes, to find its price."""
        base_url = route.upstream.base_url if spending is Spending.TOKENS else None
        return Asked(prices, base_url, route.model)

    def of_turn(self, cli_model: str, record: RequestRecord, prices: PriceTable) -> NoteUsage:
        """Returns the callback for the usage of a turn of Claude Code."""
        return partial(self._note, record, Asked(prices, CLAUDE_URL, cli_model))

    def _note(self, record: RequestRecord, asked: Asked, usage: Usage, used: str | None) -> None:
        record.usage = usage
        record.used_model = used or asked.model
        if usage.cost_usd is not None:
            record.cost_usd, record.price_version = usage.cost_usd, FROM_CLI
        elif (found := self.pricing.find(asked, used)) is not None:
            record.cost_usd, record.price_version = found.price.cost(usage), found.version
        else:
            record.cost_usd = record.price_version = None


async def metered(
    events: AsyncIterator[AnswerEvent], note: NoteUsage, prompt: Prompt
) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the events, and notes the usage of the last one; an estimate if that is missing.

    A backend that knows better reports the usage of a cut turn after that.
    """
    has_begun, is_complete, size = False, False, 0
    try:
        async for event in events:
            has_begun = True
            if isinstance(event, TextDelta | ReasoningDelta):
                size += size_of(event.text)
            elif isinstance(event, ToolCallDelta):
                size += size_of(event.arguments)
            elif isinstance(event, Finished):
                is_complete = True
                note(event.usage, event.model)
            yield event
    finally:
        if has_begun and not is_complete:
            note(Usage(estimated_tokens(prompt), text_estimate(size), estimated=True), None)
