"""Remembers which upstreams have no `/responses`."""

import json
import re
from collections.abc import Mapping

from modegate.application.ports.clock import Clock
from modegate.domain.routing.upstream import Upstream
from modegate.domain.upstream_response import UpstreamResponse

MISSING = re.compile(r"\bmodel\b|model_not_found|previous_response", re.IGNORECASE)
NOT_FOUND, NOT_ALLOWED = 404, 405


class MissingResponses:
    """Upstreams that have answered that they lack the operation; each is asked again after `ttl_s`."""

    def __init__(self, clock: Clock, ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self._clock = clock
        self._since: dict[str, float] = {}  # by address

    def has(self, upstream: Upstream) -> bool:
        """Returns whether the upstream is known to lack the operation."""
        since = self._since.get(upstream.base_url)
        return since is not None and self._clock.now() < since + self.ttl_s

    def learn(self, upstream: Upstream, response: UpstreamResponse) -> bool:
        """Returns whether the answer means that the upstream lacks the operation; remembers it."""
        if not _lacks_operation(response):
            return False
        self._since[upstream.base_url] = self._clock.now()
        return True


def _lacks_operation(response: UpstreamResponse) -> bool:
    """Returns whether the path is unknown, and not the model or a stored response."""
    if response.status == NOT_ALLOWED:
        return True
    return response.status == NOT_FOUND and not _names_what_is_missing(response.body)


def _names_what_is_missing(body: object) -> bool:
    """Returns whether an error is about a model, or about a response to continue.

    For an unknown path, servers have codes of their own: none (OpenAI), `unknown_url` (Groq).
    """
    try:
        answer = json.loads(body) if isinstance(body, bytes) else None
    except ValueError:
        return False
    error = answer.get("error", answer) if isinstance(answer, Mapping) else None
    if not isinstance(error, Mapping):
        return False
    return any(MISSING.search(str(error.get(name, ""))) for name in ("code", "param", "message"))
