"""Lua scripts, which the server runs as one step."""

import hashlib

# One hash tag for all keys: a script may use several of them, which a cluster allows in one slot.
PREFIX = "{modegate}:"


class Script:
    """A Lua script; the server knows it by its digest once it has run it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
