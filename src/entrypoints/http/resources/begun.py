"""Requests whose mode or owner is known only after their body is."""

from modegate.dialects.json import parse_json_object
from modegate.domain.access.client import Client
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.mode import UNDECIDED, ModeDecision
from modegate.lazy_dataclass import dataclass

EMPTY = ChatBody(b"", {})


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that was admitted for `client`, and whose JSON body was read.

    `decision` is its mode. Bytes are parsed by the step that needs them.
    """

    client: Client
    body: ChatBody | bytes
    decision: ModeDecision = UNDECIDED

    async def read(self) -> ChatBody:
        """Returns the body.

        Raises:
            InvalidRequestError: it is no JSON object.
        """
        if isinstance(self.body, ChatBody):
            return self.body
        return ChatBody(self.body, parse_json_object(self.body)) if self.body else EMPTY
