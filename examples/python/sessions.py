"""Start a session with a stream, continue it, list it and delete it.

export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
python sessions.py
"""

from typing import Any

from openai import NotFoundError, OpenAI

client = OpenAI()

response = client.chat.completions.with_raw_response.create(
    model="sonnet",
    messages=[{"role": "user", "content": "My name is Ada."}],
    stream=True,
    extra_headers={"X-Claude-Code": "true"},
)
session = response.headers["X-Claude-Session-ID"]  # available before the first word
print("Began", session)
for chunk in response.parse():
    print(chunk.choices[0].delta.content or "", end="")
print()

answer = client.chat.completions.create(
    model="sonnet",
    messages=[{"role": "user", "content": "What is my name?"}],
    extra_headers={"X-Claude-Session-ID": session},
)
print(answer.choices[0].message.content)

mine = client.get("/sessions", cast_to=dict[str, Any])
print("Mine:", [one["id"] for one in mine["data"]])

client.delete(f"/sessions/{session}", cast_to=dict[str, Any])
try:
    client.get(f"/sessions/{session}", cast_to=dict[str, Any])
except NotFoundError as error:
    print("Ended:", error.code)
