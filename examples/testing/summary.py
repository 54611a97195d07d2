"""The team's code: it uses the OpenAI SDK and does not know modegate."""

from openai import AsyncOpenAI, RateLimitError


async def summarise(client: AsyncOpenAI, text: str) -> str:
    """Return a one-sentence summary, or an apology if the gateway has no capacity."""
    try:
        answer = await client.chat.completions.create(
            model="sonnet",
            messages=[{"role": "user", "content": f"Summarise in one sentence: {text}"}],
        )
    except RateLimitError:
        return "Too busy to summarise."
    return answer.choices[0].message.content or ""
