"""What is written to a process for its turns, and what its output tells of them; without I/O."""

import uuid
from collections.abc import Iterable, Iterator, Sequence

from modegate.adapters.claude_cli.content import result_content
from modegate.adapters.claude_cli.process.settings_channel import DEFAULTS, SettingsChannel
from modegate.adapters.claude_cli.protocol import messages
from modegate.adapters.claude_cli.protocol.continuation import Continuation
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.turn_settings import TurnSettings
from modegate.adapters.claude_cli.tools.offered_tools import SERVER, OfferedTools
from modegate.adapters.claude_cli.tools.tool_server import ToolServer
from modegate.domain.conversation.message import Message
from modegate.domain.conversation.prompt import Prompt


class TurnInput:
    """The instructions, tools, settings and prompts of one process."""

    def __init__(self, settings: SettingsChannel) -> None:
        self.settings = settings
        self.tools = ToolServer(result_content)
        self.turn_confirmed = False  # whether the CLI has reported the turn's start
        self._continuation = Continuation()
        self._system: str | None = None
        self._schema: str | None = None
        self._message_id = ""  # of the prompt; empty if the process goes on by itself
        self._turns = 0

    def accepts(
        self, prompt: Prompt, tools: OfferedTools | None = None, schema: str | None = None
    ) -> bool:
        """Returns whether it can take a turn with this system prompt, these tools and this schema.

        A system prompt and a schema cannot change. Tools can be taken away and offered, but not
        replaced: the CLI would keep the old ones beside the new ones for a turn (2.1.329).
        """
        if self._system is None:
            return True
        same_tools = None in (tools, self.tools.offered) or self.offers(tools)
        same = (self._system, self._schema) == (_system_prompt(prompt, tools), schema)
        return same_tools and same

    def offers(self, tools: OfferedTools | None) -> bool:
        """Returns whether its last turn had these tools."""
        offered = self.tools.offered
        return (offered and offered.digest) == (tools and tools.digest)

    def ask(
        self,
        prompt: Prompt,
        settings: TurnSettings = DEFAULTS,
        schema: str | None = None,
        tools: OfferedTools | None = None,
    ) -> bytes:
        """Returns what begins a turn.

        `schema` is the JSON Schema of the answer, as JSON. A process that goes on with the
        conversation by itself, such as with the results of calls, gets no prompt.
        """
        self._message_id = ""
        self._turns += 1
        self.turn_confirmed = False
        self.tools.begin_turn()
        # A prewarmed process may have asked for its tools before they were known.
        asked = self._system is not None or self.tools.has_listed
        begin = self._offer(tools) if asked else b""
        self.tools.offered = tools
        system = _system_prompt(prompt, tools)
        if self._system is None:
            begin = messages.initialize(system, schema) + begin
        self._system, self._schema = system, schema
        self._continuation = Continuation(of_first_cut=settings.max_tokens is not None)
        return begin + self.settings.change(settings) + self._message(prompt.asked)

    def go_on(self, prompt: Prompt, settings: TurnSettings, open_calls: Sequence[str]) -> bytes:
        """Returns the results of calls that the CLI waits for, and what else the client says.

        Calls without a result are declined. The user's message comes first, because the CLI tells
        the model of it together with the results.
        """
        self._continuation = Continuation(of_first_cut=settings.max_tokens is not None)
        given = {it.call_id for it in prompt.results}
        return (
            self.settings.change(settings)
            + self._message(prompt.asked)
            + self.tools.answer(prompt.results)
            + self.tools.decline([it for it in open_calls if it not in given])
        )

    def rewind(self, *, forget: bool) -> bytes:
        """Returns the request that removes the turn, or what follows its cut; empty if none can.

        With `forget` the turn's prompt is removed too.
        """
        target = self._message_id if forget else self._continuation.message_id
        return messages.rewind(target) if target else b""

    def note(self, event: Event) -> bytes:
        """Notes an event of any turn, and returns the reply that the CLI waits for, if any."""
        self.settings.note(event)
        self._continuation.note(event)
        return self.tools.replies(event)

    def of_this_turn(self, events: Iterable[dict[str, object]]) -> Iterator[dict[str, object]]:
        """Yields events of this turn; skips late events of an interrupted previous turn."""
        for event in events:
            self.turn_confirmed = self.turn_confirmed or messages.begins(event, self._message_id)
            if self.turn_confirmed or self._turns == 1:
                yield event

    def _offer(self, tools: OfferedTools | None) -> bytes:
        """Returns the requests that offer other tools than those of the last turn."""
        if self.offers(tools):
            return b""
        return messages.set_servers() + (b"" if tools is None else messages.set_servers(SERVER))

    def _message(self, asked: Sequence[Message]) -> bytes:
        """Returns the user's message; nothing if there is none."""
        if not asked:
            return b""
        self._message_id = str(uuid.uuid4())
        return messages.user(asked, self._message_id)


def _system_prompt(prompt: Prompt, tools: OfferedTools | None) -> str:
    instructions = "" if tools is None else tools.instructions()
    return "\n\n".join(filter(None, (prompt.system, instructions)))
