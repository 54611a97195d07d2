"""Makes parts of messages from the bytes of images and files; `where` is the path to the part."""

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from modegate.domain.conversation.conversation import MAX_MESSAGE_CHARACTERS
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedFile,
    LinkedImage,
    Message,
)
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.media.dimensions import size_of
from modegate.domain.media.kinds import MediaType, image_type, is_pdf, text_of
from modegate.domain.media.policy import MAX_SIDE, MediaPolicy

DATA_URL = re.compile(r"\s*data:[^,]*,", re.IGNORECASE)
IN_BASE64 = re.compile(r";\s*base64\s*,$", re.IGNORECASE)
SPACE = re.compile(r"\s+")
MAX_NAME_CHARACTERS = 200
SCHEMES = ("https", "http")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def is_data_url(url: str) -> bool:
    """Returns whether a URL holds its data itself."""
    return DATA_URL.match(url) is not None


def data_of_url(url: str, where: str) -> bytes:
    """Returns the data of a data URL; the media type that it names does not count.

    Raises:
        InvalidRequestError: the data is not in base64, is broken, or is empty.
    """
    head = DATA_URL.match(url)
    if head is None or not IN_BASE64.search(head[0]):
        raise errors.no_data_url(where)
    return data_of_base64(url[head.end() :], where)


def data_of_base64(text: str, where: str) -> bytes:
    """Returns the decoded data; white space is skipped.

    Raises:
        InvalidRequestError: the base64 is broken, or empty.
    """
    try:
        data = base64.b64decode(SPACE.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        raise errors.broken_base64(where) from None
    if not data:
        raise errors.no_data(where)
    return data


def image_part(data: bytes, where: str, policy: MediaPolicy) -> ImagePart:
    """Returns the part of an image, with the media type of its bytes.

    Raises:
        InvalidRequestError: the bytes are none of a known kind of image, are broken, or too many.
    """
    kind = image_type(data)
    if kind is None:
        raise errors.no_image(where)
    if len(data) > policy.max_image_bytes:
        raise errors.image_too_large(where, policy.max_image_bytes)
    size = size_of(kind, data)
    if size is None:
        raise errors.broken_image(where)
    if max(size) > MAX_SIDE:
        raise errors.too_many_pixels(where, MAX_SIDE)
    return ImagePart(kind, data)


def linked_image(url: str, where: str, policy: MediaPolicy) -> LinkedImage:
    """Returns the part of an image at a URL, which is not fetched yet.

    Raises:
        InvalidRequestError: the URL is malformed, or must not be fetched.
    """
    return LinkedImage(_checked_url(url, where, policy), where)


def linked_file(url: str, name: str, where: str, policy: MediaPolicy) -> LinkedFile:
    """Returns the part of a PDF or a text at a URL, which is not fetched yet.

    Raises:
        InvalidRequestError: the URL is malformed, or must not be fetched.
    """
    return LinkedFile(_checked_url(url, where, policy), where, _clean(name))


def _checked_url(url: str, where: str, policy: MediaPolicy) -> str:
    try:
        parsed = urlsplit(url.strip())
        host, _ = parsed.hostname, parsed.port
    except ValueError:
        raise errors.wrong_scheme(where) from None
    if parsed.scheme not in SCHEMES or not host or parsed.username is not None:
        raise errors.wrong_scheme(where)
    if not policy.allows_url(parsed):
        raise errors.host_not_allowed(where)
    return url.strip()


def file_part(data: bytes, name: str, where: str, policy: MediaPolicy) -> FilePart | ImagePart:
    """Returns the part of a PDF or a text, or of an image that was sent as a file.

    Raises:
        InvalidRequestError: the bytes are none of a known kind, or too many.
    """
    if image_type(data) is not None:
        return image_part(data, where, policy)
    if is_pdf(data):
        return FilePart(MediaType.PDF, data, _clean(name))
    text = text_of(data)
    if text is None:
        raise errors.unknown_file(where)
    if not text.strip():
        raise errors.no_data(where)
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise errors.text_too_long(where, MAX_MESSAGE_CHARACTERS)
    return FilePart(MediaType.TEXT, text.encode(), _clean(name))


def check_total(messages: Iterable[Message], policy: MediaPolicy) -> None:
    """Checks the size of all images and files of a request.

    Raises:
        PayloadTooLargeError: it exceeds the policy's maximum.
    """
    if sum(message.media_bytes for message in messages) > policy.max_bytes:
        raise errors.too_much(policy.max_bytes)


def _clean(name: str) -> str:
    """Returns the name without control characters and lone surrogates, cut to its maximum."""
    return CONTROLS.sub(" ", name).strip()[:MAX_NAME_CHARACTERS]
