"""Identifiers from the operating system's random generator."""

import uuid


class RandomIds:
    """Generates unpredictable identifiers."""

    def completion_id(self) -> str:
        """Returns `chatcmpl-` and 32 hexadecimal digits."""
        return f"chatcmpl-{uuid.uuid4().hex}"

    def session_id(self) -> str:
        """Returns a version 4 UUID."""
        return str(uuid.uuid4())
