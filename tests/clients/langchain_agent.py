"""An agent of LangChain that calls tools.

    python langchain_agent.py chat|responses|messages whole|streamed MODEL

Prints the answers to two questions as JSON.
"""

import json
import os
import sys

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

dialect, kind, name = sys.argv[1:]
if dialect == "messages":
    model = ChatAnthropic(model=name, base_url=os.environ["ANTHROPIC_BASE_URL"])
else:
    model = ChatOpenAI(model=name, use_responses_api=dialect == "responses")


def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    return "no such city" if city == "Atlantis" else f"sunny in {city}"


agent = create_agent(model, [get_weather], system_prompt="You know the weather.")
messages = []


def ask(text):
    """Runs the agent until its answer, which it returns."""
    messages.append({"role": "user", "content": text})
    if kind == "whole":
        messages[:] = agent.invoke({"messages": messages})["messages"]
        return messages[-1].text
    pieces = []
    for mode, event in agent.stream({"messages": messages}, stream_mode=["messages", "values"]):
        if mode == "values":
            messages[:] = event["messages"]
        elif event[1]["langgraph_node"] == "model":
            pieces.append(event[0].text)
    assert messages[-1].text in "".join(pieces)
    return messages[-1].text


print(json.dumps([ask("How is the weather?"), ask("Thank you.")]))
