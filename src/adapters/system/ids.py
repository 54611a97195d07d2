"""Identifiers from the operating system's randomness."""

import uuid


class RandomIds:
    """Makes identifiers that nobody can guess."""

    def completion_id(self) -> str:
        """`chatcmpl-` and 32 hexadecimal digits."""
        return f"chatcmpl-{uuid.uuid4().hex}"

    def session_id(self) -> str:
        """A UUID of version 4."""
        return str(uuid.uuid4())
