"""The usage of turns that end without their last event."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.domain.errors import GatewayError
from modegate.domain.turn import Turn
from modegate.domain.usage.estimates import prompt_estimate


@contextmanager
def usage_if_cut(turn: Turn, translator: Translator) -> Iterator[None]:
    """Reports the usage so far if the turn is cut after its prompt was sent.

    A turn that failed before the model began has used nothing. If the client left by then, the
    prompt is estimated.
    """
    failed = False
    try:
        yield
    except GatewayError:
        failed = True
        raise
    finally:
        if not translator.finished:
            usage = translator.usage_so_far
            if not usage.total_tokens and not failed:
                size = len(turn.prompt.text.encode("utf-8", "replace"))
                usage = replace(usage, prompt_tokens=prompt_estimate(size), estimated=True)
            if usage.total_tokens:
                turn.on_cut(usage, translator.model)
