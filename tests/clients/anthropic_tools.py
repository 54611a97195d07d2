"""The tool runner of Anthropic's SDK.

    python anthropic_tools.py messages whole|streamed MODEL

Prints the answers to two questions as JSON.
"""

import json
import sys

from anthropic import Anthropic, beta_tool

_, kind, name = sys.argv[1:]
client = Anthropic()
messages = []


@beta_tool
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"sunny in {city}"


def ask(text):
    """Runs the tools until the answer, which it returns."""
    messages.append({"role": "user", "content": text})
    runner = client.beta.messages.tool_runner(
        model=name,
        max_tokens=1000,
        system="You know the weather.",
        tools=[get_weather],
        messages=messages,
        stream=kind == "streamed",
    )
    for answer in runner:
        message = answer
        if kind == "streamed":
            streamed = "".join(answer.text_stream)
            message = answer.get_final_message()
            assert streamed == "".join(it.text for it in message.content if it.type == "text")
        messages.append({"role": "assistant", "content": message.content})
        if results := runner.generate_tool_call_response():
            messages.append(results)
    return message.content[-1].text


print(json.dumps([ask("How is the weather?"), ask("Thank you.")]))
