"""The CLI's own message that asks the model to go on after its output limit; without I/O."""

from modegate.adapters.claude_cli.protocol.events import Event, child, text
from modegate.adapters.claude_cli.protocol.open_message import OUTPUT_LIMIT


class Continuation:
    """Finds that message in the events of a turn.

    It stays in the conversation when the turn is interrupted, with a note about the interrupt, and
    the next prompt would follow them (measured on 2.1.329). To rewind to it removes both. With
    `of_first_cut` the answer ends at the first limit, even if the CLI has gone on by then.
    """

    def __init__(self, *, of_first_cut: bool = False) -> None:
        self._of_first_cut = of_first_cut
        self.message_id: str | None = None
        self._is_cut = False

    def note(self, event: Event) -> None:
        """Notes the limit, and the message behind it."""
        inner = child(event, "event")
        if inner.get("type") == "message_delta":
            if self._of_first_cut and self._is_cut:
                return
            self._is_cut = text(child(inner, "delta"), "stop_reason") == OUTPUT_LIMIT
            self.message_id = None
        elif self._is_cut and event.get("isSynthetic") is True and self.message_id is None:
            self.message_id = text(event, "uuid")
