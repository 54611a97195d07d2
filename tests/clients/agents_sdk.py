"""OpenAI's Agents SDK: one agent hands over to another one, which calls tools.

    python agents_sdk.py chat|responses whole|streamed MODEL

Prints the answers to two questions as JSON.
"""

import asyncio
import json
import sys

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

MODELS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}
dialect, kind, name = sys.argv[1:]
set_tracing_disabled(disabled=True)
create = MODELS[dialect]
model = create(name, AsyncOpenAI())


@function_tool(failure_error_function=lambda _, error: str(error))
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"sunny in {city}"


weather = Agent(
    name="Weather", instructions="You know the weather.", tools=[get_weather], model=model
)
triage = Agent(name="Triage", instructions="You find who knows.", handoffs=[weather], model=model)


async def run(agent, said):
    """Runs the agent until its answer."""
    if kind == "whole":
        return await Runner.run(agent, said)
    result = Runner.run_streamed(agent, said)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert result.final_output in "".join(deltas)
    return result


async def main():
    """Asks two questions."""
    first = await run(triage, "How is the weather?")
    said = [*first.to_input_list(), {"role": "user", "content": "Thank you."}]
    second = await run(first.last_agent, said)
    print(json.dumps([first.final_output, second.final_output]))


asyncio.run(main())
