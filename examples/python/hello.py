"""Ask both backends the same question.

export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
python hello.py
"""

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

client = OpenAI()
claude = client.with_options(default_headers={"X-Claude-Code": "true"})

question: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a gateway?"}]

answer = client.chat.completions.create(model="gpt-4o", messages=question)
print("Upstream:", answer.choices[0].message.content)

answer = claude.chat.completions.create(model="sonnet", messages=question)
print("Claude Code:", answer.choices[0].message.content)
