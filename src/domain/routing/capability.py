"""Capabilities: the kinds of content that an upstream's models accept or produce."""

from enum import StrEnum


class Capability(StrEnum):
    """A kind of content; the values are those of the setting `capabilities`."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    EMBEDDINGS = "embeddings"


ALL_CAPABILITIES = frozenset(Capability)
