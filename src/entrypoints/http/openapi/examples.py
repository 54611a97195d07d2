"""Examples, rendered by the same code as real answers."""

import json

from modegate.dialects.chat.response import render_completion
from modegate.dialects.chat.stream import ChunkRenderer
from modegate.dialects.sse import DONE, event
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    TextDelta,
)
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import GatewayError
from modegate.domain.health import (
    Capacity,
    ClaudeHealth,
    CredentialState,
    Health,
    UpstreamHealth,
)
from modegate.domain.routing.route import CLAUDE
from modegate.domain.routing.upstream import OPENAI
from modegate.domain.session import Session, SessionId
from modegate.entrypoints.http.messages.errors import stream_error
from modegate.entrypoints.http.openapi.schemas.schema import EXAMPLE_SESSION
from modegate.entrypoints.http.resources.health import describe as describe_health
from modegate.entrypoints.http.resources.sessions import describe as describe_session

NOON = 1_767_268_800  # 2026-01-01, in Unix seconds
USAGE = Usage(prompt_tokens=25, completion_tokens=6, cached_tokens=12)
SESSION = Session.start(SessionId(EXAMPLE_SESSION), ANONYMOUS.id, NOON)
QUESTION = "What is a gateway?"
FRAME = AnswerFrame(
    completion_id="chatcmpl-7f3a9c",
    created=NOON,
    model="sonnet",
    session_id=SESSION.id,
    include_usage=True,
)
REQUEST = {
    "model": FRAME.model,
    "messages": [
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": QUESTION},
    ],
}
STREAMED = REQUEST | {"stream": True, "stream_options": {"include_usage": True}}
PASSED_ON = REQUEST | {"model": "gpt-4o", "temperature": 0.2}


def completion() -> object:
    """Returns a complete answer."""
    answer = Completion("A door between networks.", FinishReason.STOP, USAGE)
    return json.loads(render_completion(FRAME, answer))


def stream() -> str:
    """An answer in chunks, with its usage."""
    render = ChunkRenderer(FRAME).render
    words = ("A door ", "between ", "networks.")
    chunks: tuple[AnswerEvent, ...] = (
        MessageStarted(),
        *map(TextDelta, words),
        Finished(FinishReason.STOP, USAGE),
    )
    return (b"".join([render(chunk) for chunk in chunks]) + DONE).decode()


def cut_stream(error: GatewayError) -> str:
    """An answer that broke off."""
    render = ChunkRenderer(FRAME).render
    begun = render(MessageStarted()) + render(TextDelta("A door "))
    return (begun + event(stream_error(error)) + DONE).decode()


def session() -> dict[str, object]:
    """Returns a session."""
    return describe_session(SESSION, parked=False)


def health(version: str, status: str) -> dict[str, object]:
    """Returns the health body with the given `status`; all checks are ok."""
    claude = ClaudeHealth(
        executable=True,
        credentials=CredentialState.OK,
        capacity=Capacity(active=1, queued=0, warm=2, live=0, maximum=10),
    )
    upstream = UpstreamHealth(has_credential=True, accepts_client_keys=True)
    state = Health({CLAUDE: claude}, {OPENAI: upstream})
    return describe_health(state, status, version)
