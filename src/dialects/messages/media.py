"""Parses the blocks of messages that hold images and documents."""

from collections.abc import Iterator, Mapping

from modegate.dialects.media import image_of_url
from modegate.domain.conversation.message import Part, TextPart
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.media.parts import data_of_base64, file_part, image_part, linked_file
from modegate.domain.media.policy import MediaPolicy

IMAGE, DOCUMENT = "image", "document"
MEDIA = frozenset({IMAGE, DOCUMENT})
SOURCES = ("base64", "url", "text", "content")
IN_CONTENT = ("text", IMAGE)


def media_parts(block: Mapping[str, object], where: str, policy: MediaPolicy) -> Iterator[Part]:
    """Yields the parts of a block of one of the types in `MEDIA`; `where` is the path to it.

    A document may have a `context`, which comes first, and texts and images as its content.

    Raises:
        InvalidRequestError: the source is malformed, or its data of no known kind, or too large.
        UnsupportedParameterError: the source names a file that was uploaded.
    """
    source, at = block.get("source"), f"{where}.source"
    if not isinstance(source, Mapping):
        raise parameters.wrong_type(at, "an object")
    if source.get("type") == "file":
        raise dialects.unsupported(at, "file")
    if block["type"] == IMAGE:
        yield _image(source, at, policy)
        return
    context, title = block.get("context"), block.get("title")
    if isinstance(context, str) and context.strip():
        yield TextPart(context)
    yield from _document(source, title if isinstance(title, str) else "", at, policy)


def _image(source: Mapping[str, object], where: str, policy: MediaPolicy) -> Part:
    match source.get("type"):
        case "base64":
            return image_part(data_of_base64(_text(source, "data", where), where), where, policy)
        case "url":
            return image_of_url(_text(source, "url", where), where, policy)
    raise dialects.unknown_kind(where, SOURCES[:2])


def _document(
    source: Mapping[str, object], title: str, where: str, policy: MediaPolicy
) -> Iterator[Part]:
    match source.get("type"):
        case "base64":
            data = data_of_base64(_text(source, "data", where), where)
            yield file_part(data, title, where, policy)
        case "text":
            data = _text(source, "data", where).encode("utf-8", "replace")
            yield file_part(data, title, where, policy)
        case "url":
            yield linked_file(_text(source, "url", where), title, where, policy)
        case "content":
            yield from _content(source.get("content"), f"{where}.content", policy)
        case _:
            raise dialects.unknown_kind(where, SOURCES)


def _content(content: object, where: str, policy: MediaPolicy) -> Iterator[Part]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise parameters.wrong_type(where, "a text or a list of blocks")
    for i, it in enumerate(content):
        at = f"{where}[{i}]"
        kind = it.get("type") if isinstance(it, Mapping) else None
        if isinstance(it, Mapping) and kind == IMAGE:
            yield from media_parts(it, at, policy)
        elif isinstance(it, Mapping) and kind == "text":
            yield TextPart(_text(it, "text", at))
        else:
            raise dialects.unknown_kind(at, IN_CONTENT)


def _text(source: Mapping[str, object], name: str, where: str) -> str:
    value = source.get(name)
    if not isinstance(value, str):
        raise parameters.wrong_type(f"{where}.{name}", "a string")
    return value
