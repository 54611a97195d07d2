"""Builds the requests of the Python API from its arguments."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from modegate.domain.dialect_name import DialectName
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode, ModeDefaults, decide_mode
from modegate.domain.routing.model_map import DEFAULT_NAME
from modegate.lazy_dataclass import dataclass

Message: TypeAlias = Mapping[str, object]
Messages: TypeAlias = str | Sequence[Message]
Params: TypeAlias = Mapping[str, object]

ROUTE = "/v1/chat/completions"
MODES = ", ".join(f'"{mode}"' for mode in Mode)


def read_mode(mode: Mode | str) -> Mode:
    """Returns the mode with a name.

    Raises:
        ValueError: if there is none.
    """
    try:
        return Mode(mode)
    except ValueError:
        raise ValueError(f"mode must be one of {MODES}, not {mode!r}") from None


def choose_mode(mode: Mode | str | None, session: str | None, model: object, default: Mode) -> Mode:
    """Returns the mode of a call: its own, that of its session or its model, or the default.

    Raises:
        ValueError: the mode is unknown.
    """
    if mode is not None:
        return read_mode(mode)
    by_session = decide_mode(None, session)
    return ModeDefaults(default).decide(by_session, DialectName.CHAT, model=model).mode


def messages_of(messages: Messages) -> list[Message]:
    """Returns the messages of a request; a string is a message of the user."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    if isinstance(messages, Iterable):
        return list(messages)
    raise TypeError(f"messages must be a string or a list, not {type(messages).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatArguments:
    """The arguments of one call; `extra` are further parameters of the request."""

    messages: Messages | Params
    model: str | None
    mode: Mode | str | None
    session: str | None
    extra: Params = field(default_factory=dict)

    def request(self, default: Mode, *, stream: bool) -> InboundRequest:
        """Returns the request; a session without a mode is one of Claude Code.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the mode is unknown.
        """
        params = self._params(stream=stream)
        mode = choose_mode(self.mode, self.session, params.get("model"), default)
        if mode is Mode.CLAUDE_CODE:
            params.setdefault("model", DEFAULT_NAME)
        request = InboundRequest.of(params, mode, self.session)
        request.record = RequestRecord("POST", route=ROUTE, request_id=str(uuid.uuid4()))
        return request

    def _params(self, *, stream: bool) -> dict[str, object]:
        given = self.messages
        params = (
            dict(given) if isinstance(given, Mapping) else {"messages": messages_of(given)}
        ) | dict(self.extra)
        params.pop("stream", None)
        if self.model is not None:
            params["model"] = self.model
        return params | ({"stream": True} if stream else {})
