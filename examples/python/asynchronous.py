"""Send three concurrent questions to Claude Code with the asynchronous client.

export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
python asynchronous.py
"""

import asyncio

from openai import AsyncOpenAI

QUESTIONS = ("What is a gateway?", "What is a port?", "What is an adapter?")


async def ask(client: AsyncOpenAI, question: str) -> str:
    """Return one answer; each question starts its own session."""
    answer = await client.chat.completions.create(
        model="haiku", messages=[{"role": "user", "content": question}]
    )
    return answer.choices[0].message.content or ""


async def main() -> None:
    """Print the answers in the order of the questions."""
    async with AsyncOpenAI(default_headers={"X-Claude-Code": "true"}) as client:
        for answer in await asyncio.gather(*(ask(client, question) for question in QUESTIONS)):
            print(answer)


asyncio.run(main())
