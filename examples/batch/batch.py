"""Answer one prompt per line with Claude Code, without HTTP; writes JSON lines in any order.

    seq -f 'What is %g squared?' 200 | python batch.py --offline > answers.jsonl

Without --offline it uses Claude and the settings of `modegate serve`. Exit status: 0 if every
prompt was answered; 1 if one was not; 2 if the settings or options are invalid.
"""

import argparse
import asyncio
import json
import os
import sys
from contextlib import AbstractAsyncContextManager

from modegate.application.answering.routed_answer import CompleteAnswer
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.errors import GatewayError
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.bootstrap.container import Container, live_container
from modegate.entrypoints.bootstrap.offline import offline_container
from modegate.entrypoints.config.sources import SettingsError, load_settings

AT_ONCE = 4  # processes of the CLI; each uses about half a core while it starts


async def answer_prompt(container: Container, places: asyncio.Semaphore, prompt: str) -> bool:
    """Print one answer; return whether there was one."""
    request = InboundRequest.of(
        {"model": "haiku", "messages": [{"role": "user", "content": prompt}]}, Mode.CLAUDE_CODE
    )
    try:
        async with places, container.answer_request().execute(request) as answer:
            assert isinstance(answer, CompleteAnswer)  # not streamed, and not relayed
        # The request started a session, which will not be resumed.
        await container.manage_sessions().end(answer.frame.session_id, ANONYMOUS.id)
    except GatewayError as error:
        told = {"prompt": prompt, "error": error.code, "message": error.message}
        print(json.dumps(told, ensure_ascii=False))
        return False
    text = answer.completion.text
    print(json.dumps({"prompt": prompt, "answer": text}, ensure_ascii=False))
    return True


def open_container() -> AbstractAsyncContextManager[Container]:
    """Return the container; with --offline it uses a simulated model."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--offline", action="store_true", help="answer with a simulated model")
    options = parser.parse_args()
    try:
        settings = load_settings().settings
    except SettingsError as error:
        parser.exit(2, "".join(f"batch.py: {fault}\n" for fault in error.faults))
    if options.offline:
        return offline_container(settings, os.environ)
    return live_container(settings)


async def main() -> int:
    """Answer the prompts on standard input; return the exit status."""
    opened = open_container()
    prompts = [line.strip() for line in sys.stdin if line.strip()]
    async with opened as container:
        places = asyncio.Semaphore(AT_ONCE)
        answered = await asyncio.gather(*(answer_prompt(container, places, it) for it in prompts))
    print(f"{sum(answered)} of {len(prompts)} answered", file=sys.stderr)
    return 0 if all(answered) else 1


sys.exit(asyncio.run(main()))
