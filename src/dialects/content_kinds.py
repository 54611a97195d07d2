"""The kinds of content in the messages of a request; pure."""

from collections.abc import Iterator, Mapping

from modegate.domain.routing.capability import Capability

MESSAGES, INPUT = "messages", "input"
KINDS: Mapping[object, Capability] = {
    "image": Capability.IMAGE,
    "image_url": Capability.IMAGE,
    "input_image": Capability.IMAGE,
    "input_audio": Capability.AUDIO,
}


def kinds_of(params: Mapping[str, object]) -> list[Capability]:
    """Returns what the messages of a request for chat, responses or messages contain beside text."""
    found = dict.fromkeys(
        kind
        for name in (MESSAGES, INPUT)
        for message in _objects(params.get(name))
        for part in (message, *_objects(message.get("content")), *_objects(message.get("output")))
        if (kind := _kind_of(part)) is not None
    )
    return list(found)


def _kind_of(part: Mapping[str, object]) -> Capability | None:
    kind = part.get("type")
    return KINDS.get(kind) if isinstance(kind, str) else None


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, list):
        yield from (it for it in value if isinstance(it, dict))
