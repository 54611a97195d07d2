"""Thoughts of a model that its API takes back."""

from dataclasses import field

from modegate.lazy_dataclass import dataclass

# The beginning of what this gateway has sealed; later forms have another number.
SEALED = "mg1."


@dataclass(frozen=True, slots=True)
class Thought:
    """A thought that its API takes back only unchanged and with its signature.

    `origin` names the API and the model: others reject the signature. `sealed` is the form in which
    a client keeps it. Of a thought that a client hands back, only that is known until it is opened.
    Of one that `is_redacted`, the API shows nothing, and `signature` is all that it gives.
    """

    text: str = field(default="", repr=False)
    signature: str = field(default="", repr=False)
    origin: str = ""
    sealed: str = field(default="", repr=False)
    is_redacted: bool = False
