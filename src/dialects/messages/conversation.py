"""Parses the conversation of a request for a message: `system` and `messages`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from modegate.dialects.messages.blocks import (
    Blocks,
    parse_assistant_blocks,
    parse_blocks,
    parse_texts,
)
from modegate.domain.conversation.conversation import (
    MAX_MESSAGE_CHARACTERS,
    MAX_STEPS,
    Conversation,
)
from modegate.domain.conversation.message import Message, Part, Role, TextPart, text_message
from modegate.domain.errors.catalogue import messages as errors
from modegate.domain.media.parts import check_total
from modegate.domain.media.policy import MediaPolicy

ROLES = (Role.USER, Role.ASSISTANT, Role.SYSTEM)
# Claude Code counts its own use with such a block, and each turn changes it.
BILLING = "x-anthropic-billing-header:"


def parse_conversation(params: Mapping[str, object], media: MediaPolicy) -> Conversation:
    """Parses the fields `system` and `messages`; `media` bounds images and documents.

    Raises:
        MissingParameterError: if `messages`, or a part of a message, is absent.
        InvalidRequestError: if a value is invalid; `param` names it: `messages[2].content`.
        PayloadTooLargeError: if all images and documents together are too large.
        UnsupportedParameterError: if a block cannot be handled.
    """
    raw = params.get("messages")
    if raw is None:
        raise errors.missing()
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_STEPS:
        raise errors.no_list(MAX_STEPS)
    said = [it for i, item in enumerate(raw) for it in _message(item, f"messages[{i}]", media)]
    if not any(it.role is Role.USER for it in said):
        raise errors.no_user()
    check_total(said, media)
    return Conversation((*_system(params.get("system"), "system"), *said))


def _system(raw: object, where: str) -> Iterator[Message]:
    for text in parse_texts(raw, where):
        if text.strip() and not text.startswith(BILLING):
            yield _checked(text_message(Role.SYSTEM, text), where)


def _message(raw: object, where: str, media: MediaPolicy) -> Iterator[Message]:
    if not isinstance(raw, Mapping):
        raise errors.no_object(where)
    if "role" not in raw:
        raise errors.no_role(where, ", ".join(ROLES))
    if raw["role"] not in ROLES:
        raise errors.unknown_role(where, ", ".join(ROLES))
    role, content = Role(raw["role"]), f"{where}.content"
    if raw.get("content") is None:
        raise errors.no_content(content)
    if role is Role.SYSTEM:
        yield from _system(raw["content"], content)
    elif role is Role.ASSISTANT:
        parts, calls = parse_assistant_blocks(raw["content"], content)
        yield _checked(Message(role, parts, calls), where)
    else:
        yield from _of_user(parse_blocks(raw["content"], content, media), where)


def _of_user(blocks: Blocks, where: str) -> Iterator[Message]:
    """Yields the results of tools, and what the user says.

    What comes behind a result is told with that result, because the model goes on after the results.
    """
    before = tuple(it for it in blocks if not isinstance(it, Message))
    results: list[Message] = []
    for block in blocks:
        if isinstance(block, Message):
            results.append(block)
        elif results:
            results[-1] = _with_part(results[-1], block)
    if not results:
        user = Message(Role.USER, before)
        if not user.has_media and not user.text.strip():
            raise errors.empty(where)
        yield _checked(user, where)
    elif said := tuple(_leading(blocks)):
        yield _checked(Message(Role.USER, said), where)
    yield from (_checked(it, where) for it in results)


def _leading(blocks: Blocks) -> Iterator[Part]:
    for block in blocks:
        if isinstance(block, Message):
            return
        if not isinstance(block, TextPart) or block.text.strip():
            yield block


def _with_part(result: Message, part: Part) -> Message:
    is_text = isinstance(part, TextPart)
    between: Iterable[Part] = (TextPart("\n\n"),) if result.parts and is_text else ()
    return replace(result, parts=(*result.parts, *between, part))


def _checked(message: Message, where: str) -> Message:
    if len(message.text) > MAX_MESSAGE_CHARACTERS:
        raise errors.too_long(where, MAX_MESSAGE_CHARACTERS)
    return message
