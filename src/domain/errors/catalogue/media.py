"""Faults of images and files; `where` is the path to one: `messages[2].content[1].image_url`."""

from modegate.domain.errors.request_errors import (
    InvalidRequestError,
    PayloadTooLargeError,
    UnsupportedParameterError,
)

IMAGES = "PNG, JPEG, GIF or WebP"


def no_url(where: str) -> InvalidRequestError:
    """Returns the error for an image without a URL."""
    return InvalidRequestError(
        f'{where} must be an object with a url: {{"url": "data:image/png;base64,…"}}.', param=where
    )


def no_data_url(where: str) -> InvalidRequestError:
    """Returns the error for a data URL that is not in base64."""
    return InvalidRequestError(
        f"{where} is no data URL in base64: write data:image/png;base64,… with the data.",
        param=where,
    )


def wrong_scheme(where: str) -> InvalidRequestError:
    """Returns the error for a URL of another kind."""
    return InvalidRequestError(
        f"{where} must have a data URL (data:image/png;base64,…) or an https URL.", param=where
    )


def host_not_allowed(where: str) -> InvalidRequestError:
    """Returns the error for a URL that must not be fetched."""
    return InvalidRequestError(
        f"{where} has a URL that Claude Code mode must not fetch: send the data in a data URL, or "
        "ask the operator to allow its host.",
        param=where,
    )


def not_fetched(where: str, reason: str) -> InvalidRequestError:
    """Returns the error for a URL that could not be fetched, such as "it did not answer"."""
    return InvalidRequestError(
        f"{where} could not be fetched, because {reason}: send the data in a data URL.",
        param=where,
    )


def too_many_links(where: str, most: int) -> InvalidRequestError:
    """Returns the error for more URLs than `most` in one request."""
    return InvalidRequestError(
        f"{where} is one URL too many, because at most {most} are fetched: send data URLs.",
        param=where,
    )


def broken_base64(where: str) -> InvalidRequestError:
    """Returns the error for data that cannot be decoded."""
    return InvalidRequestError(
        f"{where} has broken base64: encode the whole file again, with padding.", param=where
    )


def no_data(where: str) -> InvalidRequestError:
    """Returns the error for an image or a file without data."""
    return InvalidRequestError(f"{where} is empty: send the file's data.", param=where)


def no_image(where: str) -> InvalidRequestError:
    """Returns the error for bytes that are no image of a known kind."""
    return InvalidRequestError(
        f"{where} is no image that the model can read: send {IMAGES}.", param=where
    )


def broken_image(where: str) -> InvalidRequestError:
    """Returns the error for an image without a readable header."""
    return InvalidRequestError(
        f"{where} is broken, because its header has no width and height: save the image again.",
        param=where,
    )


def image_too_large(where: str, most: int) -> InvalidRequestError:
    """Returns the error for an image of more than `most` bytes."""
    return InvalidRequestError(
        f"{where} is larger than {most} bytes: make the image smaller.", param=where
    )


def too_many_pixels(where: str, side: int) -> InvalidRequestError:
    """Returns the error for an image that is wider or higher than `side` pixels."""
    return InvalidRequestError(
        f"{where} is wider or higher than {side} pixels: make the image smaller.", param=where
    )


def too_much(most: int) -> PayloadTooLargeError:
    """Returns the error for images and files of more than `most` bytes together."""
    return PayloadTooLargeError(
        f"The images and files are larger than {most} bytes together: send fewer or smaller ones."
    )


def no_file(where: str) -> InvalidRequestError:
    """Returns the error for a file without data."""
    return InvalidRequestError(
        f"{where} must be an object with file_data (base64 or a data URL) and filename.",
        param=where,
    )


def file_id(where: str) -> UnsupportedParameterError:
    """Returns the error for a file that was uploaded before."""
    return UnsupportedParameterError(
        f"Claude Code mode does not know uploaded files: send {where}.file_data in place of "
        "file_id.",
        param=f"{where}.file_id",
    )


def unknown_file(where: str) -> InvalidRequestError:
    """Returns the error for a file of an unknown kind."""
    return InvalidRequestError(
        f"{where} is no file that the model can read: send a PDF, a text in UTF-8, or an image "
        f"({IMAGES}).",
        param=where,
    )


def text_too_long(where: str, most: int) -> InvalidRequestError:
    """Returns the error for a text file of more than `most` characters."""
    return InvalidRequestError(
        f"{where} is longer than {most} characters: shorten the text.", param=where
    )


def wrong_role(where: str) -> InvalidRequestError:
    """Returns the error for an image or a file that neither a user nor a tool has sent."""
    return InvalidRequestError(
        f"{where} is an image or a file: only messages of users and results of tools may have one.",
        param=where,
    )
