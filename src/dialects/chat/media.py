"""Parses the parts of a message that hold images and files."""

from collections.abc import Mapping

from modegate.domain.conversation.message import FilePart, ImagePart, LinkedImage
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.errors.catalogue import parameters
from modegate.domain.media.parts import (
    data_of_base64,
    data_of_url,
    file_part,
    image_part,
    is_data_url,
    linked_image,
)
from modegate.domain.media.policy import MediaPolicy

IMAGE, FILE, AUDIO = "image_url", "file", "input_audio"
MEDIA_PARTS = frozenset({IMAGE, FILE, AUDIO})


def media_part(
    kind: str, value: object, where: str, policy: MediaPolicy
) -> ImagePart | FilePart | LinkedImage:
    """Parses the value of a part of one of the `MEDIA_PARTS`; `where` is the path to the value.

    Raises:
        InvalidRequestError: the value is malformed, or its data of no known kind, or too large.
        UnsupportedParameterError: Claude Code cannot take it.
    """
    if kind == IMAGE:
        return _image(value, where, policy)
    if kind == FILE:
        return _file(value, where, policy)
    raise parameters.unsupported(where)


def _image(value: object, where: str, policy: MediaPolicy) -> ImagePart | LinkedImage:
    """Parses an image; its `detail` has no effect, because Claude has no such choice."""
    url = value.get("url") if isinstance(value, Mapping) else value  # some clients send a string
    if not isinstance(url, str) or not url.strip():
        raise errors.no_url(where)
    if is_data_url(url):
        return image_part(data_of_url(url, where), where, policy)
    return linked_image(url, where, policy)


def _file(value: object, where: str, policy: MediaPolicy) -> ImagePart | FilePart:
    if not isinstance(value, Mapping):
        raise errors.no_file(where)
    data, name = value.get("file_data"), value.get("filename")
    if data is None and value.get("file_id") is not None:
        raise errors.file_id(where)
    if not isinstance(data, str):
        raise errors.no_file(where)
    decoded = data_of_url(data, where) if is_data_url(data) else data_of_base64(data, where)
    return file_part(decoded, name if isinstance(name, str) else "", where, policy)
