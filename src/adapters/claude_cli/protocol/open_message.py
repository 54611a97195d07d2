"""The state of the model's current message, without I/O."""

from modegate.adapters.claude_cli.protocol.events import Event, child, text

OUTPUT_LIMIT = "max_tokens"
REASONING = frozenset({"thinking", "redacted_thinking"})


class MessageState:
    """Tracks the messages of one turn, which arrive as deltas, complete, or both."""

    def __init__(self) -> None:
        self.is_open = False
        self.stop_reason: str | None = None  # of the last message, once it has ended
        self.stop_text: str | None = None  # at which the last message ended
        self.is_cut = False  # whether the last ended message reached the output limit
        self.is_refused = False  # whether the message was withheld
        self.is_reasoning = False  # whether the open block is reasoning, which may be silent
        self._has_tool = False
        self._streamed: set[str] = set()  # ids of messages whose text arrives as deltas
        self._whole: str | None = None  # the id of a message that arrived without deltas

    @property
    def lacks_its_tool(self) -> bool:
        """Whether the message stopped for a tool but calls none; the CLI then retries it."""
        return self.stop_reason == "tool_use" and not self._has_tool

    def begin(self, message: Event) -> None:
        """Starts a message whose deltas follow."""
        self.is_open = True
        self.is_reasoning = False
        self.is_refused = False
        self._has_tool = False
        self.stop_reason = self.stop_text = None
        self._streamed.add(text(message, "id") or "")

    def begin_block(self, event: Event) -> str:
        """Starts a block; returns its type."""
        kind = str(child(event, "content_block").get("type"))
        self._has_tool = self._has_tool or kind.endswith("tool_use")
        self.is_reasoning = kind in REASONING
        return kind

    def end_block(self) -> None:
        """Ends the open block."""
        self.is_reasoning = False

    def end(self, stop_reason: str | None, stop_text: str | None = None) -> None:
        """Ends the message."""
        self.is_open = self.is_reasoning = False
        self.stop_reason = stop_reason
        self.stop_text = stop_text
        self.is_cut = stop_reason == OUTPUT_LIMIT

    def came_as_deltas(self, message: Event) -> bool:
        """Returns whether a complete message repeats one that was streamed."""
        return (text(message, "id") or "") in self._streamed

    def begins_whole(self, message: Event) -> bool:
        """Returns whether a complete message is a new one, not more blocks of the last one."""
        message_id = text(message, "id") or ""
        if message_id == self._whole:
            return False
        self._whole = message_id
        self.is_refused = False
        return True
