"""Files and batches that the gateway keeps."""

from collections.abc import Iterable

from modegate.domain.errors.request_errors import (
    BatchEndedError,
    InvalidRequestError,
    MissingParameterError,
    ObjectNotFoundError,
    PayloadTooLargeError,
)

LONGEST_SHOWN = 64
MIB = 1024 * 1024


def unknown_file() -> ObjectNotFoundError:
    """Returns the error for an id that no file of the client has."""
    return ObjectNotFoundError("You have no such file here: list your files to find its id.")


def unknown_batch() -> ObjectNotFoundError:
    """Returns the error for an id that no batch of the client has."""
    return ObjectNotFoundError("You have no such batch here: list your batches to find its id.")


def ended(state: str) -> BatchEndedError:
    """Returns the error for a batch that cannot be cancelled any more."""
    return BatchEndedError(f"The batch is {state}, and cannot be cancelled: leave it as it is.")


def missing(name: str, needed: str) -> MissingParameterError:
    """Returns the error for an absent field; `needed` says what to send."""
    return MissingParameterError(f"'{name}' is missing: send {needed}.", param=name)


def wrong(name: str, needed: str) -> InvalidRequestError:
    """Returns the error for a value; `needed` says what it must be."""
    return InvalidRequestError(f"'{name}' must be {needed}.", param=name)


def wrong_purpose() -> InvalidRequestError:
    """Returns the error for a file that is for something other than batches."""
    return InvalidRequestError(
        "'purpose' must be batch: this gateway keeps files for batches only.", param="purpose"
    )


def not_for_batches() -> InvalidRequestError:
    """Returns the error for a batch of a file with another purpose."""
    return InvalidRequestError(
        "'input_file_id' must be a file that you uploaded with the purpose batch.",
        param="input_file_id",
    )


def no_form() -> InvalidRequestError:
    """Returns the error for an upload that is no form."""
    return InvalidRequestError(
        "The body is no complete form: send multipart/form-data, with names in UTF-8."
    )


def late_expiry() -> InvalidRequestError:
    """Returns the error for a field that comes too late in a form."""
    return InvalidRequestError(
        "'expires_after' follows the file: send it before the file.", param="expires_after"
    )


def unknown_parameter(name: str, known: Iterable[str]) -> InvalidRequestError:
    """Returns the error for a query parameter that does not exist."""
    shown = "".join(it for it in name[:LONGEST_SHOWN] if it.isalnum() or it == "_")
    return InvalidRequestError(f"'{shown}' is no parameter here: use {', '.join(known)}.")


def no_space(most: int) -> PayloadTooLargeError:
    """Returns the error for a file that does not fit; `most` are the bytes of all files."""
    return PayloadTooLargeError(
        f"The files of all clients may have {most // MIB} MB together, and this one does not fit: "
        "delete files that are not needed."
    )
