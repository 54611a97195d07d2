"""The client's tools in the form that the CLI takes over MCP, and their names in the text."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from functools import cached_property

from modegate.adapters.claude_cli.tools.listed_schema import listed_schema
from modegate.adapters.claude_cli.tools.root_schema import is_merged
from modegate.adapters.claude_cli.tools.shown_text import as_shown, cut, is_shown_unchanged, units
from modegate.domain.text import replace_lone_surrogates
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer
from modegate.domain.tools.forced_call import call_required

SERVER = "client"
# The CLI names the tools of the MCP server `client` so, to the model and in its events.
PREFIX = f"mcp__{SERVER}__"
# Longer descriptions are cut; a longer name, with the prefix, costs its tool (2.1.329).
MAX_DESCRIPTION_UNITS = 4096
MAX_NAME_CHARACTERS = 128 - len(PREFIX)
MAX_RESULT_CHARACTERS = 500_000

POINTER = " [... The rest of this description is in the system prompt.]"


class OfferedTools:
    """The tools of one turn as an MCP server lists them.

    Names that the CLI changes or refuses have another one there, and schemas for which it drops a
    tool allow any object. What does not fit into the list, or is changed by the CLI, is told in
    `instructions()`, so that all of it reaches the model.
    """

    def __init__(self, offer: ToolOffer, max_result_chars: int = MAX_RESULT_CHARACTERS) -> None:
        self._offer = offer
        self._max_result_chars = max_result_chars
        self._names = _cli_names([tool.name for tool in offer.offered])
        self._own = {cli: own for own, cli in self._names.items()}
        self._schemas = {tool.name: listed_schema(tool.parameters) for tool in offer.offered}

    def listing(self) -> list[dict[str, object]]:
        """Returns the entries of the result of `tools/list`."""
        return list(self._listing)

    @cached_property
    def _listing(self) -> list[dict[str, object]]:
        return [self._entry(tool) for tool in self._offer.offered]

    def client_name(self, cli_name: str) -> str:
        """Returns the client's own name of a tool that the CLI names, with or without prefix."""
        name = cli_name.removeprefix(PREFIX)
        return self._own.get(name) or self._own.get(cli_name) or name

    def instructions(self) -> str:
        """Returns the text for the system prompt; empty if the list says all."""
        return self._instructions

    @cached_property
    def _instructions(self) -> str:
        told = [text for tool in self._offer.offered for text in self._told(tool)]
        return "\n\n".join((*told, *self._rules()))

    @cached_property
    def digest(self) -> str:
        """A hash of the list and the instructions; equal for equal ones."""
        told = json.dumps([self._listing, self._instructions])
        return hashlib.sha256(told.encode()).hexdigest()

    def _entry(self, tool: ClientTool) -> dict[str, object]:
        entry: dict[str, object] = {
            "name": self._names[tool.name],
            "description": _short(_description(tool)),
            "inputSchema": self._schemas[tool.name],
            "_meta": {"anthropic/maxResultSizeChars": self._max_result_chars},
        }
        # With the hint, the CLI asks for all calls of an answer at once.
        return entry | {"annotations": {"readOnlyHint": True}} if self._offer.parallel else entry

    def _told(self, tool: ClientTool) -> Iterator[str]:
        name = f"`{PREFIX}{self._names[tool.name]}`"
        description = _description(tool)
        shown = as_shown(description)
        if _is_long(description, shown):
            if shown == description:
                rest = description[len(_head(description)) :]
                yield f"The description of the tool {name} goes on:\n{rest}"
            else:
                yield f"The whole description of the tool {name}:\n{description}"
        elif shown != description:
            lines = [it for it in description.splitlines() if as_shown(it) != it]
            yield "\n".join((f"In the description of the tool {name}, it says exactly:", *lines))
        schema = tool.parameters
        listed = self._schemas[tool.name]
        says_less = any(listed.get(name) != value for name, value in schema.items())
        if says_less or is_merged(schema) or not is_shown_unchanged(schema):
            exact = replace_lone_surrogates(json.dumps(schema, ensure_ascii=False))
            yield f"The exact JSON schema of the arguments of the tool {name}:\n{exact}"

    def _rules(self) -> Iterator[str]:
        offered = self._offer.offered
        if strict := [f"`{PREFIX}{self._names[it.name]}`" for it in offered if it.strict]:
            yield f"Arguments must match the schema exactly for: {', '.join(strict)}."
        if offered and not self._offer.parallel:
            yield "Call at most one tool in an answer."
        if offered and self._offer.calling is Calling.REQUIRED:
            yield call_required([f"{PREFIX}{self._names[tool.name]}" for tool in offered])


class NameFilter:
    """Removes the prefix of the client's tools from a text that comes in pieces.

    Of two prefixes one after the other, the second is a tool's own name and stays. Nothing is held
    back but what may be the beginning of a prefix.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Returns what can be shown after `text`; may be empty."""
        waiting = self._held + text
        begins = _held_from(waiting)
        self._held = waiting[begins:]
        return _without_prefix(waiting[:begins])

    def flush(self) -> str:
        """Returns what was held back, at the end of the text."""
        rest, self._held = _without_prefix(self._held), ""
        return rest


def _without_prefix(text: str) -> str:
    return re.sub(f"{PREFIX}({PREFIX})?", r"\1", text)


def _held_from(text: str) -> int:
    """Returns where the part begins that the next piece may make a prefix."""
    begin = text.rfind(
        PREFIX[0], max(0, len(text) - len(PREFIX) + 1)
    )  # the letter occurs once in the prefix
    end = begin if begin >= 0 and PREFIX.startswith(text[begin:]) else len(text)
    before = end
    while text.endswith(PREFIX, 0, before):
        before -= len(PREFIX)
    # The last of an odd number is one to remove: a prefix that follows it would stay.
    return end - len(PREFIX) if (end - before) // len(PREFIX) % 2 else end


def _description(tool: ClientTool) -> str:
    return replace_lone_surrogates(tool.description)


def _head(description: str) -> str:
    return cut(description, MAX_DESCRIPTION_UNITS - len(POINTER))


def _short(description: str) -> str:
    shown = as_shown(description)
    return _head(shown) + POINTER if _is_long(description, shown) else description


def _is_long(*texts: str) -> bool:
    return max(map(units, texts)) > MAX_DESCRIPTION_UNITS


def _cli_names(names: Collection[str]) -> dict[str, str]:
    """Returns a name for each tool that the CLI takes as it is; none occurs twice."""
    changed = {name: _changed(name, names) for name in names}
    taken = {name for name, cli in changed.items() if name == cli}
    for name, cli in changed.items():
        if name != cli:
            changed[name] = _free(cli, taken)
            taken.add(changed[name])
    return changed


def _free(name: str, taken: Collection[str]) -> str:
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name[: MAX_NAME_CHARACTERS - len(str(count)) - 1]}_{count}"
    return free


def _changed(name: str, names: Collection[str]) -> str:
    """Returns the name as the CLI shows it.

    Since the CLI calls the tool `x` both so and with the prefix, a tool that is called like the
    latter has another name.
    """
    bare = re.sub(f"^({PREFIX})+", "", name)
    return re.sub(r"[^A-Za-z0-9_-]", "_", bare if bare in names else name)[:MAX_NAME_CHARACTERS]
