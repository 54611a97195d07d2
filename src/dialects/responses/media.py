"""Parses the parts of items that hold images and files."""

from collections.abc import Mapping

from modegate.dialects.media import file_of_data, image_of_url
from modegate.domain.conversation.message import Part
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.media.parts import linked_file
from modegate.domain.media.policy import MediaPolicy

IMAGE, FILE, AUDIO = "input_image", "input_file", "input_audio"
MEDIA = frozenset({IMAGE, FILE, AUDIO})


def media_part(part: Mapping[str, object], where: str, policy: MediaPolicy) -> Part:
    """Parses a part of one of the types in `MEDIA`; `where` is the path to it.

    Raises:
        InvalidRequestError: the part is malformed, or its data of no known kind, or too large.
        UnsupportedParameterError: it is audio, or names a file that was uploaded.
    """
    kind = part["type"]
    if kind == AUDIO:
        raise dialects.unsupported(where, AUDIO)
    if kind == IMAGE:
        url = part.get("image_url")
        if url is None and part.get("file_id") is not None:
            raise dialects.unsupported(f"{where}.file_id", "an uploaded file")
        if not isinstance(url, str) or not url.strip():
            raise parameters.wrong_type(f"{where}.image_url", "a URL or a data URL")
        return image_of_url(url, f"{where}.image_url", policy)
    return _file(part, where, policy)


def _file(part: Mapping[str, object], where: str, policy: MediaPolicy) -> Part:
    data, url, name = part.get("file_data"), part.get("file_url"), part.get("filename")
    if data is None and isinstance(url, str):
        named = name if isinstance(name, str) else ""
        return linked_file(url, named, f"{where}.file_url", policy)
    if data is None and part.get("file_id") is not None:
        raise errors.file_id(where)
    return file_of_data(data, name, where, policy)
