"""The orders of an operator, and their encoding for the pipes between workers and supervisor."""

import json
from collections.abc import Mapping
from typing import Protocol

from modegate.lazy_dataclass import dataclass

Message = Mapping[str, object]

# Single bytes on the pipe to a worker; a message begins with another one.
STOP = b"s"
# So that a message fits into 4096 bytes, which a pipe takes as a whole or not at all.
MAX_FAULT_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class ReloadOrder:
    """Use the configuration with this digest; `trigger` is for the log."""

    digest: str
    trigger: str


@dataclass(frozen=True, slots=True)
class DrainOrder:
    """Reject new requests, or take it back."""

    on: bool


Order = ReloadOrder | DrainOrder


class OrderRefusedError(Exception):
    """A worker cannot carry out an order, so none does; the message has one line per fault."""


class Orders(Protocol):
    """Reaches all workers."""

    async def agree(self, order: Order) -> None:
        """Returns when all workers have carried out the order.

        Raises:
            OrderRefusedError: none of them does.
        """
        ...


def encode_order(order: Order) -> Message:
    """Returns an order as a JSON object."""
    if isinstance(order, ReloadOrder):
        return {"do": "reload", "digest": order.digest, "trigger": order.trigger}
    return {"do": "drain", "on": order.on}


def decode_order(found: object) -> Order:
    """Returns the order of a JSON object."""
    fields = found if isinstance(found, dict) else {}
    if fields.get("do") == "drain":
        return DrainOrder(on=bool(fields.get("on")))
    return ReloadOrder(str(fields.get("digest")), str(fields.get("trigger")))


def encode_message(kind: str, **fields: object) -> bytes:
    """Returns a message as one line; a long fault is cut."""
    fault = fields.get("fault")
    if isinstance(fault, str):
        fields["fault"] = fault[:MAX_FAULT_CHARACTERS]
    line = json.dumps({"kind": kind, **fields}, ensure_ascii=False)
    return line.encode("utf-8", "replace") + b"\n"


class MessageReader:
    """Splits what a pipe yields into messages; single bytes of `STOP` stand between them."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message | None]:
        """Returns the complete messages; None stands for a `STOP`."""
        self._buffer += data
        found: list[Message | None] = []
        while self._buffer:
            if self._buffer.startswith(STOP):
                self._buffer = self._buffer[len(STOP) :]
                found.append(None)
                continue
            line, end, rest = self._buffer.partition(b"\n")
            if not end:
                break
            self._buffer = rest
            found.append(json.loads(line))
        return found
