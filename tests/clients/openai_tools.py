"""The streaming helpers of OpenAI's SDK, in a loop that runs tools.

    python openai_tools.py chat|responses streamed MODEL

Prints the answers to two questions as JSON.
"""

import json
import sys

from openai import OpenAI

dialect, _, name = sys.argv[1:]
client = OpenAI()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ABOUT = {"name": "get_weather", "description": "Tells the weather.", "parameters": SCHEMA}
said = []


def get_weather(city):
    """Tells the weather of a city."""
    return "no such city" if city == "Atlantis" else f"sunny in {city}"


def ask_chat():
    """Asks once; returns the text and the calls with their arguments."""
    tools = [{"type": "function", "function": ABOUT}]
    with client.chat.completions.stream(model=name, messages=said, tools=tools) as stream:
        deltas = "".join(it.delta for it in stream if it.type == "content.delta")
        message = stream.get_final_completion().choices[0].message
    assert deltas == (message.content or "")
    said.append(message.model_dump())
    calls = [(it.id, it.function.arguments) for it in message.tool_calls or ()]
    return message.content, calls


def ask_responses():
    """Asks once; returns the text and the calls with their arguments."""
    tools = [{"type": "function", **ABOUT}]
    with client.responses.stream(model=name, input=said, tools=tools, store=False) as stream:
        deltas = "".join(it.delta for it in stream if it.type == "response.output_text.delta")
        response = stream.get_final_response()
    assert deltas == response.output_text
    said.extend(it.model_dump(exclude={"parsed_arguments"}) for it in response.output)
    calls = [(it.call_id, it.arguments) for it in response.output if it.type == "function_call"]
    return response.output_text, calls


def result(call_id, output):
    """Returns the result of a call."""
    if dialect == "chat":
        return {"role": "tool", "tool_call_id": call_id, "content": output}
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def ask(text):
    """Asks, and runs the tools, until there is an answer."""
    said.append({"role": "user", "content": text})
    once = ask_chat if dialect == "chat" else ask_responses
    answer, calls = once()
    while calls:
        said.extend(result(it, get_weather(**json.loads(given))) for it, given in calls)
        answer, calls = once()
    return answer


print(json.dumps([ask("How is the weather?"), ask("Thank you.")]))
