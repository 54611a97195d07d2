"""The ids that upstreams give requests.

A client of Anthropic's API sees only the header `request-id`, which is the upstream's where it has
one; the request log has it beside the gateway's own id.
"""

from collections.abc import Iterator

from modegate.dialects.messages.upstream.errors import request_id_in
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.upstream import UpstreamKind
from modegate.domain.upstream_response import UpstreamResponse

ANTHROPICS_ID = "request-id"
# As the head of an answer has OpenAI's, whose name is that of the gateway's.
RENAMED_ID = "x-upstream-request-id"
LONGEST_ID = 128
# What describes a body.
OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})


def record_upstream_id(response: UpstreamResponse, record: RequestRecord) -> None:
    """Records the upstream's own id of the request, if it names one."""
    for name, value in response.headers:
        if name in {ANTHROPICS_ID, RENAMED_ID}:
            record.upstream_request_id = value[:LONGEST_ID]


def with_request_id(response: UpstreamResponse, kind: UpstreamKind) -> UpstreamResponse:
    """Returns an answer of Anthropic's API with the header `request-id`, if its body has the id.

    Its bytes pass as they came, and the gateway's own id in the header would contradict them.
    """
    if kind is not UpstreamKind.ANTHROPIC or not isinstance(response.body, bytes):
        return response
    named = any(name == ANTHROPICS_ID for name, _ in response.headers)
    told = None if named else request_id_in(response.body)
    if told is None:
        return response
    headers = (*response.headers, (ANTHROPICS_ID, told))
    return UpstreamResponse(response.status, headers, response.body)


def translated_headers(response: UpstreamResponse) -> Iterator[tuple[str, str]]:
    """Yields the headers of an answer whose body is written anew, with the gateway's own id."""
    for name, value in response.headers:
        if name not in OF_THE_BODY:
            yield (RENAMED_ID if name == ANTHROPICS_ID else name), value
