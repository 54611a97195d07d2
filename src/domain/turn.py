"""A chat request, and the turns prepared from it for each backend."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from modegate.domain.access.client import ANONYMOUS, ApiKey, ClientId
from modegate.domain.mode import Mode, ModeDecision
from modegate.domain.param_policy import Effort
from modegate.domain.prompt import Prompt
from modegate.domain.quota import Quota
from modegate.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat-completions request as the client sent it.

    `body` is sent upstream unchanged; `params` is the parsed body. `upstream_key` is the value of
    the `X-OpenAI-API-Key` header.
    """

    decision: ModeDecision
    params: Mapping[str, object] = field(repr=False)
    body: bytes = field(repr=False)
    client: ClientId = ANONYMOUS.id
    upstream_key: str | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, params: Mapping[str, object], mode: Mode, session_id: str | None = None
    ) -> "ChatRequest":
        """Returns a request for a caller that uses the use cases without HTTP."""
        return cls(
            decision=ModeDecision(mode, session_id), params=params, body=json.dumps(params).encode()
        )

    @property
    def wants_stream(self) -> bool:
        """Whether the client requested a stream; only the boolean `true` counts."""
        return self.params.get("stream") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassthroughTurn:
    """A request to relay upstream.

    `choices` is the number of finish reasons in a complete stream. `model` is for the log.
    """

    body: bytes = field(repr=False)
    model: str | None = None
    upstream_key: ApiKey | None = None
    choices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeTurn:
    """One turn of a conversation with Claude.

    `model` is the name in the request, and `cli_model` the name passed to the CLI. `created` is in
    Unix seconds. `ignored` lists the parameters without effect. `quota` is the session's remaining
    quota.
    """

    completion_id: str
    created: int
    model: str
    cli_model: str
    prompt: Prompt = field(repr=False)
    session: Session
    resume: bool = False
    effort: Effort | None = None
    include_usage: bool = False
    ignored: tuple[str, ...] = ()
    quota: Quota | None = None


Turn = PassthroughTurn | ClaudeTurn
