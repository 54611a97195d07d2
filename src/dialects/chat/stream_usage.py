"""Asks for the usage of a stream in the body of its request; pure."""

from collections.abc import Mapping

from modegate.dialects.json import encode
from modegate.dialects.json_members import change_members

OPTIONS, INCLUDE = "stream_options", "include_usage"
ADDED = b',"stream_options":{"include_usage":true}'


def with_usage_asked(body: bytes, params: Mapping[str, object]) -> bytes | None:
    """Returns the body of a streamed request with the question for its usage.

    All other bytes stay. None if the client asks itself, or if only the upstream can judge what it
    sent. An explicit `false` counts as absent.
    """
    if OPTIONS not in params:
        end = body.rindex(b"}")  # of the object: after it there are blanks only
        return b"%b%b%b" % (body[:end], ADDED, body[end:])
    options = params[OPTIONS]
    if options is None:
        options = {}
    if not isinstance(options, Mapping) or options.get(INCLUDE) not in (None, False):
        return None
    return change_members(body, {OPTIONS: encode({**options, INCLUDE: True})})
