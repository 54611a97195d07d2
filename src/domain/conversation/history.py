"""Digests of what was said, by which a request is recognised as the next turn of a session.

A client that sends no session id sends the whole conversation. SDKs send back an answer slightly
changed: openai's adds fields, Vercel's writes the arguments of calls anew (measured, November 2026).
So the digest covers what a message says, not how it is written.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from hashlib import sha256

from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import SYSTEM_ROLES, Message, Part, Role, TextPart
from modegate.domain.text import replace_lone_surrogates
from modegate.lazy_dataclass import dataclass

# The digest of a conversation in which nothing was said. An empty digest is an unknown one.
NOTHING_SAID = sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class NextTurn:
    """What a conversation says after its last answer, and the digest of all before it."""

    said: str
    messages: tuple[Message, ...]


def next_turn(conversation: Conversation) -> NextTurn | None:
    """Returns the turn that goes on with a conversation.

    Returns None if there is no answer yet, or nothing after it: such a request begins anew.
    """
    said = [it for it in conversation.messages if it.role not in SYSTEM_ROLES]
    answers = [i for i, it in enumerate(said) if it.role is Role.ASSISTANT]
    if not answers or not any(said[answers[-1] + 1 :]):
        return None
    begin = answers[-1] + 1
    return NextTurn(digest_of(said[:begin]), tuple(said[begin:]))


def digest_of(messages: Sequence[Message], after: str = NOTHING_SAID) -> str:
    """Returns the digest of a conversation; `after` is that of what was said before `messages`.

    System messages do not count. It is the same however the conversation is divided, except that
    answers in a row are one answer. After what is unknown, the result is unknown, too.
    """
    if not after:
        return ""
    digest = after
    for text in _joined([it for it in messages if it.role not in SYSTEM_ROLES]):
        digest = sha256(f"{digest}{text}".encode()).hexdigest()
    return digest


def _joined(messages: Sequence[Message]) -> Iterator[str]:
    """Yields the messages in their normal form; those of one turn's results in any order."""
    at = 0
    while at < len(messages):
        end = at + 1
        while end < len(messages) and _belongs(messages[at], messages[end]):
            end += 1
        if messages[at].is_result:
            yield from sorted(_normal((it,)) for it in messages[at:end])
        else:
            yield _normal(messages[at:end])
        at = end


def _belongs(first: Message, other: Message) -> bool:
    both_answer = first.role is Role.ASSISTANT and other.role is Role.ASSISTANT
    return both_answer or (first.is_result and other.is_result)


def _normal(messages: Sequence[Message]) -> str:
    """Returns one message as JSON, or several answers as one."""
    first = messages[0]
    parts = list(_parts([part for it in messages for part in it.parts]))
    if first.role is Role.ASSISTANT:
        parts = [text for it in parts if (text := it.strip() if isinstance(it, str) else it)]
    calls = [(it.id, it.name, _arguments(it.arguments)) for m in messages for it in m.calls]
    role = Role.TOOL if first.is_result else first.role
    named = first.call_id or (first.name if first.is_result else None)
    said = [role.value, parts, calls, named or "", first.is_error]
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"))


def _parts(parts: Sequence[Part]) -> Iterator[object]:
    """Yields adjacent texts as one string, and other parts by their fields."""
    text = ""
    for part in parts:
        if isinstance(part, TextPart):
            text += replace_lone_surrogates(part.text)
            continue
        if text:
            yield text
            text = ""
        yield [type(part).__name__, *(_field(getattr(part, it.name)) for it in fields(part))]
    if text:
        yield text


def _field(value: object) -> str:
    return sha256(value).hexdigest() if isinstance(value, bytes) else str(value)


def _arguments(arguments: str) -> object:
    """Returns arguments as JSON with sorted keys; text that is no JSON unchanged.

    Numbers are those of JavaScript, which has only one kind.
    """
    try:
        found = json.loads(arguments or "{}", parse_int=_number, parse_float=_number)
        return json.dumps(found, sort_keys=True)
    except (ValueError, OverflowError, RecursionError):
        return arguments


def _number(text: str) -> float:
    return float(text) + 0.0  # -0 is 0
