"""What a request asks for, before it is sent."""

from collections.abc import Mapping
from dataclasses import replace

from modegate.application.usage.pricing import Asked
from modegate.domain.inbound_call import Upload
from modegate.domain.inbound_request import ChatBody
from modegate.domain.media.base64_runs import run_lengths
from modegate.domain.parameters.kinds import as_count
from modegate.domain.usage.estimates import PROMPT_BYTES_A_TOKEN
from modegate.domain.usage.prices import Price
from modegate.lazy_dataclass import dataclass

# Above all public prices of Claude models in 2026-11; the CLI's names of models have no own prices.
DEAREST_CLAUDE = Price(input=15.0, output=75.0)
MAXIMA = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# An image costs about as many tokens whatever its size.
MEDIA_BYTES = 2_000 * PROMPT_BYTES_A_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A request before it is sent: the bytes of its text, and what `asked` says about its price.

    `completion_tokens` are the most that the client asks for, None for the default. `upper_price`
    counts if no price is known yet, because the backend reports its cost.
    """

    asked: Asked
    body_bytes: int = 0
    completion_tokens: int | None = None
    upper_price: Price | None = None


def demand_of_turn(body: ChatBody, asked: Asked) -> Demand:
    """Returns the demand of a turn of Claude Code, which reports its cost."""
    return replace(demand_of(body, asked), upper_price=DEAREST_CLAUDE)


def demand_of(body: ChatBody | Upload, asked: Asked, *, generates: bool = True) -> Demand:
    """Returns the demand of a request; one that `generates` no text completes no tokens."""
    if not isinstance(body, ChatBody):
        return Demand(asked=asked, completion_tokens=0)
    completion = _completion_tokens(body.params) if generates else 0
    return Demand(asked=asked, body_bytes=text_bytes(body.content), completion_tokens=completion)


def text_bytes(content: bytes) -> int:
    """Returns the size of a body, in which each image and file counts as `MEDIA_BYTES`."""
    runs = run_lengths(content)
    return len(content) - sum(runs) + len(runs) * MEDIA_BYTES


def _completion_tokens(params: Mapping[str, object]) -> int | None:
    """Returns the maximum of all choices together; None if the client sent none."""
    found = (as_count(params.get(name)) for name in MAXIMA)
    most = next((it for it in found if it is not None), None)
    return None if most is None else most * (as_count(params.get("n")) or 1)
