"""Long runs of base64 in a body of JSON: images and files."""

import re

# Text has no such runs. Some encoders escape each slash, and some put line ends into base64. The
# look-behind keeps the search linear: it begins at most once in each run.
RUN = re.compile(rb"(?<![A-Za-z0-9+/=_\\-])[A-Za-z0-9+/=_\\-]{4096,}")

# The same behind what marks an image or a file: a data URL, or a field of one of the APIs.
MEDIA = re.compile(
    rb"(?:;base64,|\"(?:data|file_data)\"\s{0,8}:\s{0,8}\")([A-Za-z0-9+/=_\\-]{4096,})"
)


def run_lengths(content: bytes) -> list[int]:
    """Returns the length of each run."""
    return [len(it.group()) for it in RUN.finditer(content)]


def length_without_media(content: bytes) -> int:
    """Returns the length of a body without its images and files."""
    return len(content) - sum(len(it.group(1)) for it in MEDIA.finditer(content))
