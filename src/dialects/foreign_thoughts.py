"""Leaves out thoughts of bodies that are relayed as they came, where the API would reject them."""

from collections.abc import Mapping, Sequence

from modegate.domain.conversation.thought import SEALED

IN_BYTES = b'"' + SEALED.encode()
THINKING, THINKING_IN_BYTES = "thinking", b'"thinking"'
# Those that Anthropic accepts at the beginning of an answer that goes on.
THOUGHTS = (THINKING, "redacted_thinking")


def without_sealed(body: bytes, items: object) -> list[object] | None:
    """Returns the items of `input` without the reasoning that this gateway has sealed.

    Returns None if there is none. Other APIs cannot open it, and OpenAI's answers 400
    `invalid_encrypted_content`.
    """
    if IN_BYTES not in body or not isinstance(items, list):
        return None
    kept = [it for it in items if not _is_sealed(it)]
    return kept if len(kept) < len(items) else None


def _is_sealed(item: object) -> bool:
    if not isinstance(item, Mapping) or item.get("type") != "reasoning":
        return False
    content = item.get("encrypted_content")
    return isinstance(content, str) and content.startswith(SEALED)


def without_unsigned(body: bytes, messages: object) -> list[object] | None:
    """Returns the messages without the thoughts that no API has signed; None if there is none.

    Claude Code and chat completions sign no thoughts, and Anthropic's API rejects these. A message
    that had nothing else is left out.
    """
    if THINKING_IN_BYTES not in body or not isinstance(messages, list):
        return None
    found = [_kept_of(it) for it in messages]
    if all(kept is it for kept, it in zip(found, messages, strict=True)):
        return None
    return [it for it in found if it is not None]


def demands_thoughts(thinking: object, messages: Sequence[object]) -> bool:
    """Returns whether the API rejects the messages, because the last answer has no thoughts.

    With a budget of tokens, an answer that goes on after its calls has to begin with a thought.
    """
    if not isinstance(thinking, Mapping) or thinking.get("type") != "enabled":
        return False
    answer, last = map(_blocks_of, (None, None, *messages)[-2:])
    if all(_type_of(it) != "tool_result" for it in last):
        return False
    return not answer or _type_of(answer[0]) not in THOUGHTS


def _kept_of(message: object) -> object:
    """Returns a message without unsigned thoughts; itself if it has none, None if nothing is left."""
    blocks = _blocks_of(message)
    if not isinstance(message, dict) or not any(map(_is_unsigned, blocks)):
        return message
    kept = [it for it in blocks if not _is_unsigned(it)]
    return {**message, "content": kept} if kept else None


def _is_unsigned(block: object) -> bool:
    return type(block) is dict and block.get("type") == THINKING and not block.get("signature")


def _blocks_of(message: object) -> Sequence[object]:
    """Returns the blocks of a message of parsed JSON, whose objects are dictionaries."""
    content = message.get("content") if type(message) is dict else None
    return content if type(content) is list else ()


def _type_of(block: object) -> object:
    return block.get("type") if type(block) is dict else None
