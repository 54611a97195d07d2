"""Parses the parts of a message that hold images and files."""

from collections.abc import Mapping

from modegate.dialects.media import file_of_data, image_of_url
from modegate.domain.conversation.message import FilePart, ImagePart, LinkedImage
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.errors.catalogue import parameters
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
    return image_of_url(url, where, policy)


def _file(value: object, where: str, policy: MediaPolicy) -> ImagePart | FilePart:
    if not isinstance(value, Mapping):
        raise errors.no_file(where)
    if value.get("file_data") is None and value.get("file_id") is not None:
        raise errors.file_id(where)
    return file_of_data(value.get("file_data"), value.get("filename"), where, policy)
