import json
import random

import pytest

from modegate.entrypoints.http.server.workers.orders import (
    DrainOrder,
    MessageReader,
    Order,
    ReloadOrder,
    decode_order,
    encode_message,
    encode_order,
)


@pytest.mark.parametrize(
    "order", [ReloadOrder("a1", "SIGHUP"), DrainOrder(on=True), DrainOrder(on=False)]
)
def test_an_order_survives_its_encoding(order: Order) -> None:
    assert decode_order(json.loads(json.dumps(encode_order(order)))) == order


def test_messages_and_stops_are_read_at_every_split() -> None:
    data = b"s" + encode_message("commit", id="s") + b"ss" + encode_message("reload")
    expected = [None, {"kind": "commit", "id": "s"}, None, None, {"kind": "reload"}]
    dice = random.Random(1)  # noqa: S311
    for _ in range(200):
        reader, found, rest = MessageReader(), [], data
        while rest:
            size = dice.randint(1, 9)
            found += reader.feed(rest[:size])
            rest = rest[size:]
        assert found == expected


@pytest.mark.parametrize("letter", ["x", "\u20ac", "\U0001f600", "\udcff", '"', "\n"])
def test_a_message_with_a_long_fault_fits_into_a_pipe(letter: str) -> None:
    message = encode_message("prepared", id="123456-1", fault=letter * 10_000)
    assert len(message) <= 4096
    assert json.loads(message)["fault"][:1] in {letter, "?"}
    assert message.count(b"\n") == 1
