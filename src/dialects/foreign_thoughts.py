"""Leaves out thoughts of bodies that are relayed as they came, where the API would reject them."""

from collections.abc import Mapping

from modegate.domain.conversation.thought import SEALED

IN_BYTES = b'"' + SEALED.encode()


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
