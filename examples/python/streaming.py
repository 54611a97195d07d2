"""Print Claude's answer as it arrives, and its token usage.

export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
python streaming.py
"""

from openai import APIError, OpenAI

client = OpenAI(default_headers={"X-Claude-Code": "true"})

try:
    for chunk in client.chat.completions.create(
        model="sonnet",
        messages=[{"role": "user", "content": "What is a gateway?"}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        for choice in chunk.choices:
            print(choice.delta.content or "", end="", flush=True)
        if chunk.usage:
            print(f"\n{chunk.usage.prompt_tokens} tokens in, {chunk.usage.completion_tokens} out")
except APIError as error:  # the connection broke, or an error event reported an incomplete answer
    print(f"\nThe answer was cut: {error.message}")
