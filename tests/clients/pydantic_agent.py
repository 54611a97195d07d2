"""An agent of pydantic-ai that calls tools.

    python pydantic_agent.py chat|responses|messages whole|streamed MODEL

Prints the answers to two questions as JSON.
"""

import asyncio
import json
import sys

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import (
    Agent,
    AgentRunResultEvent,
    ModelRetry,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

dialect, kind, name = sys.argv[1:]
if dialect == "messages":
    model = AnthropicModel(name, provider=AnthropicProvider(anthropic_client=AsyncAnthropic()))
else:
    provider = OpenAIProvider(openai_client=AsyncOpenAI())
    create = OpenAIChatModel if dialect == "chat" else OpenAIResponsesModel
    model = create(name, provider=provider)
agent = Agent(model, instructions="You know the weather.")


@agent.tool_plain(retries=2)
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    if city == "Atlantis":
        raise ModelRetry("no such city")
    return f"sunny in {city}"


async def ask(text, history):
    """Runs the agent until its answer; returns it and the history."""
    if kind == "whole":
        result = await agent.run(text, message_history=history)
        return result.output, result.all_messages()
    pieces = []
    async with agent.run_stream_events(text, message_history=history) as events:
        async for event in events:
            if isinstance(event, AgentRunResultEvent):
                result = event.result
            elif isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                pieces.append(event.part.content)
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                pieces.append(event.delta.content_delta)
    assert result.output in "".join(pieces)
    return result.output, result.all_messages()


async def main():
    """Asks two questions."""
    first, history = await ask("How is the weather?", None)
    second, _ = await ask("Thank you.", history)
    print(json.dumps([first, second]))


asyncio.run(main())
