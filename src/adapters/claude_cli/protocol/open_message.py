"""Where the model's current message stands; without I/O."""

from modegate.adapters.claude_cli.protocol.events import Event, child, text

OUTPUT_LIMIT = "max_tokens"


class MessageState:
    """Follows the messages of one turn, which come as deltas, whole, or both."""

    def __init__(self) -> None:
        self.is_open = False
        self.stop_reason: str | None = None  # of the last message, where it has ended
        self.is_cut = False  # whether the last one that ended did so at the output limit
        self.is_refused = False  # whether it was withheld
        self._has_tool = False
        self._streamed: set[str] = set()  # ids of messages whose text came, or comes, as deltas
        self._whole: str | None = None  # the id of a message that came without deltas

    @property
    def lacks_its_tool(self) -> bool:
        """Whether it stopped for a tool and calls none: the CLI asks for it again."""
        return self.stop_reason == "tool_use" and not self._has_tool

    def begin(self, message: Event) -> None:
        """A message begins; its deltas follow."""
        self.is_open = True
        self.is_refused = False
        self._has_tool = False
        self.stop_reason = None
        self._streamed.add(text(message, "id") or "")

    def begin_block(self, event: Event) -> str:
        """A block begins; returns its type."""
        kind = str(child(event, "content_block").get("type"))
        self._has_tool = self._has_tool or kind.endswith("tool_use")
        return kind

    def end(self, stop_reason: str | None) -> None:
        """Nothing more of it follows."""
        self.is_open = False
        self.stop_reason = stop_reason
        self.is_cut = stop_reason == OUTPUT_LIMIT

    def came_as_deltas(self, message: Event) -> bool:
        """Whether a whole message repeats what was streamed."""
        return (text(message, "id") or "") in self._streamed

    def begins_whole(self, message: Event) -> bool:
        """Whether a whole message is another than the one before, of which more blocks may come."""
        message_id = text(message, "id") or ""
        if message_id == self._whole:
            return False
        self._whole = message_id
        self.is_refused = False
        return True
