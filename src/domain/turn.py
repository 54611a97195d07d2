"""A request, and what becomes of it: a turn, with nothing left to decide."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from modegate.domain.client import ANONYMOUS, ApiKey, ClientId
from modegate.domain.mode import Mode, ModeDecision
from modegate.domain.param_policy import Effort
from modegate.domain.prompt import Prompt
from modegate.domain.quota import Quota
from modegate.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat-completions request as the client sent it.

    `body` goes upstream as it is; `params` is the same, parsed. `upstream_key` is the header
    `X-OpenAI-API-Key`.
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
        """A request made in this process, for whoever calls the use cases without HTTP."""
        return cls(
            decision=ModeDecision(mode, session_id), params=params, body=json.dumps(params).encode()
        )

    @property
    def wants_stream(self) -> bool:
        """Whether the client asked for chunks; what is not a boolean does not."""
        return self.params.get("stream") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassthroughTurn:
    """Bytes for the upstream; a whole answer finishes `choices` times. `model` is for the log."""

    body: bytes = field(repr=False)
    model: str | None = None
    upstream_key: ApiKey | None = None
    choices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeTurn:
    """One turn of a conversation with Claude.

    `model` is the client's name, `cli_model` the CLI's; `created` is in Unix seconds; `ignored`
    names the parameters that have no effect; `quota` is what is left to the session.
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
