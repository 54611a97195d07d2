"""Answer one prompt per line with Claude Code, without HTTP; writes JSON lines in any order.

    seq -f 'What is %g squared?' 200 | python batch.py --offline > answers.jsonl

Without --offline it uses Claude and the settings of `modegate serve`. Exit status: 0 if every
prompt was answered; 1 if one was not; 2 if the settings or options are invalid.
"""

import argparse
import asyncio
import json
import sys

from modegate import Gateway, ItemResult, SettingsError

AT_ONCE = 4  # processes of the CLI; each uses about half a core while it starts


def item_of(number: int, prompt: str) -> dict[str, object]:
    """Return the request for a prompt, in OpenAI's Batch format."""
    return {
        "custom_id": str(number),
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "haiku", "messages": [{"role": "user", "content": prompt}]},
    }


def line_of(prompt: str, result: ItemResult) -> str:
    """Return the line for a result."""
    body = json.loads(result.body)
    if result.succeeded:
        told = {"prompt": prompt, "answer": body["choices"][0]["message"]["content"]}
    else:
        told = {"prompt": prompt, "error": result.error, "message": body["error"]["message"]}
    return json.dumps(told, ensure_ascii=False)


def open_gateway() -> Gateway:
    """Return the gateway; with --offline it uses a simulated model."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--offline", action="store_true", help="answer with a simulated model")
    options = parser.parse_args()
    try:
        return Gateway.from_env(mode="claude-code", offline=options.offline)
    except SettingsError as error:
        parser.exit(2, "".join(f"batch.py: {fault}\n" for fault in error.faults))


async def main() -> int:
    """Answer the prompts on standard input; return the exit status."""
    opened = open_gateway()
    prompts = [line.strip() for line in sys.stdin if line.strip()]
    answered = 0
    async with opened as gateway:
        items = (item_of(number, prompt) for number, prompt in enumerate(prompts))
        async for result in gateway.batch(items, concurrency=AT_ONCE):
            print(line_of(prompts[int(result.custom_id)], result))
            answered += result.succeeded
    print(f"{answered} of {len(prompts)} answered", file=sys.stderr)
    return 0 if answered == len(prompts) else 1


sys.exit(asyncio.run(main()))
