"""Images and files as the dialects send them: in data URLs, in base64, or at URLs."""

from modegate.domain.conversation.message import FilePart, ImagePart, LinkedImage
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.media.parts import (
    data_of_base64,
    data_of_url,
    file_part,
    image_part,
    is_data_url,
    linked_image,
)
from modegate.domain.media.policy import MediaPolicy


def image_of_url(url: object, where: str, policy: MediaPolicy) -> ImagePart | LinkedImage:
    """Returns the image in a data URL, or at another URL; `where` is the path to it.

    Raises:
        InvalidRequestError: the URL is malformed or not allowed, or the data is no image.
    """
    if not isinstance(url, str) or not url.strip():
        raise errors.no_url(where)
    if is_data_url(url):
        return image_part(data_of_url(url, where), where, policy)
    return linked_image(url, where, policy)


def file_of_data(
    data: object, name: object, where: str, policy: MediaPolicy
) -> ImagePart | FilePart:
    """Returns the file in base64, or in a data URL; `where` is the path to it.

    Raises:
        InvalidRequestError: the data is absent, broken, of no known kind, or too large.
    """
    if not isinstance(data, str):
        raise errors.no_file(where)
    decoded = data_of_url(data, where) if is_data_url(data) else data_of_base64(data, where)
    return file_part(decoded, name if isinstance(name, str) else "", where, policy)
