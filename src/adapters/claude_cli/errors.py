"""Maps failures of the CLI to gateway errors.

The CLI's own text is matched, and never passed on. It may name hosts, paths or parts of a prompt.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from modegate.domain.answer.outcomes import Failure
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code, sessions

NOT_LOGGED_IN = re.compile(
    r"Invalid API key|Please run /login|Not logged in|OAuth token has expired"
)
NO_CONVERSATION = re.compile(r"No conversation found with session ID")


OF_KIND: Mapping[Failure, Callable[[], GatewayError]] = MappingProxyType(
    {
        Failure.CREDENTIALS: claude_code.auth_failed,
        Failure.FORBIDDEN: claude_code.forbidden,
        Failure.REQUEST: claude_code.refused_request,
        Failure.MODEL: claude_code.unknown_model,
        Failure.CONTEXT: claude_code.too_long,
        Failure.EMPTY: claude_code.no_text,
        Failure.SCHEMA: claude_code.schema_not_followed,
        Failure.SETUP: claude_code.misconfigured,
        Failure.UNKNOWN: claude_code.unexplained,
    }
)
# A shell's exit statuses for a program, or its interpreter, that is missing or not executable.
CANNOT_EXECUTE = frozenset({126, 127})


def of_kind(kind: Failure, retry_after: float | None = None) -> GatewayError:
    """Returns the error for a kind of failure; `retry_after` is used only where waiting helps."""
    if kind is Failure.RATE_LIMITED:
        return claude_code.rate_limited(retry_after)
    if kind is Failure.SERVER:
        return claude_code.failed(retry_after)
    return OF_KIND[kind]()


def from_words(words: str) -> GatewayError | None:
    """Returns the error in the CLI's plain text, if any; the CLI may still be running."""
    return claude_code.auth_failed() if NOT_LOGGED_IN.search(words) else None


def from_exit(status: int | None, words: str) -> GatewayError:
    """Returns the error for a child that ended without a `result` event."""
    if status in CANNOT_EXECUTE:
        return claude_code.unavailable()
    if NO_CONVERSATION.search(words):
        return sessions.conversation_lost()
    return from_words(words) or claude_code.crashed()
