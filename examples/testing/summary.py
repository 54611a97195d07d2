"""What the team wrote: it knows the OpenAI SDK, and nothing of modegate."""

from openai import AsyncOpenAI, RateLimitError


async def summarise(client: AsyncOpenAI, text: str) -> str:
    """One sentence on the text; an apology where there is no capacity."""
    try:
        answer = await client.chat.completions.create(
            model="sonnet",
            messages=[{"role": "user", "content": f"Summarise in one sentence: {text}"}],
        )
    except RateLimitError:
        return "Too busy to summarise."
    return answer.choices[0].message.content or ""
