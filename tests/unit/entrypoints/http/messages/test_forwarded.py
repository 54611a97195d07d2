import pytest

from modegate.entrypoints.http.messages.client_address import parse_node
from modegate.entrypoints.http.messages.forwarded import (
    nodes_of_forwarded,
    nodes_of_x_forwarded_for,
)


@pytest.mark.parametrize(
    ("lines", "nodes"),
    [
        ([], []),
        (["", " , ,"], []),
        (["1.1.1.1"], ["1.1.1.1"]),
        (["1.1.1.1,2.2.2.2", " 3.3.3.3:80\t"], ["1.1.1.1", "2.2.2.2", "3.3.3.3:80"]),
        (['"[2001:db8::1]:80", unknown'], ["[2001:db8::1]:80", "unknown"]),
    ],
)
def test_x_forwarded_for_lines_are_split_into_nodes(lines: list[str], nodes: list[str]) -> None:
    assert nodes_of_x_forwarded_for(lines) == nodes


@pytest.mark.parametrize(
    ("lines", "nodes"),
    [
        ([], []),
        (["", " ", ";", ",,"], []),
        (["for=1.1.1.1"], ["1.1.1.1"]),
        (["For=1.1.1.1;proto=http;by=2.2.2.2"], ["1.1.1.1"]),
        (["proto=http; for = 1.1.1.1 ;"], ["1.1.1.1"]),
        (["for=1.1.1.1, for=2.2.2.2", "for=3.3.3.3"], ["1.1.1.1", "2.2.2.2", "3.3.3.3"]),
        (['for="[2001:db8::1]:4711"'], ["[2001:db8::1]:4711"]),
        (["for=[2001:db8::1]:4711"], ["[2001:db8::1]:4711"]),
        (['for="\\1.1.1.1"'], ["1.1.1.1"]),
        (['host="a, for=9.9.9.9; \\"x";for=1.1.1.1'], ["1.1.1.1"]),
        (["for=unknown, for=_hidden"], ["unknown", "_hidden"]),
        (["proto=https"], [""]),
        (["for=1.1.1.1, proto=https"], ["1.1.1.1", ""]),
        (["for=1.1.1.1;for=2.2.2.2"], [""]),
        (['for="1.1.1.1'], [""]),
        (["for=1.1.1.1 2.2.2.2"], [""]),
        (["1.1.1.1"], [""]),
        # An unclosed quote invalidates its own line only.
        (['for=9.9.9.9;x="', "for=1.1.1.1"], ["", "1.1.1.1"]),
        (['for=9.9.9.9;x=", for=1.1.1.1'], [""]),
        (['for=9.9.9.9;x=", for="[2001:db8::1]"'], [""]),
    ],
)
def test_forwarded_lines_are_parsed_into_nodes(lines: list[str], nodes: list[str]) -> None:
    assert nodes_of_forwarded(lines) == nodes


@pytest.mark.parametrize("part", [" ", "\t", "a", "=", '"', "\\", ";", ",", "a=", '"\\'])
def test_a_long_malformed_forwarded_line_gives_a_bounded_number_of_nodes(part: str) -> None:
    assert len(nodes_of_forwarded([part * 30_000 + "x y"])) <= 30_001


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:80", "1.2.3.4"),
        ("1.2.3.4:_port", "1.2.3.4"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("[2001:db8::1]:_a.b", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("_hidden:80", None),
        ("unix:", None),
        ("unix:/run/x.sock", None),
        ("1.2.3", None),
        ("1.2.3.4:", None),
        ("1.2.3.4:http", None),
        ("1.2.3.4:123456", None),
        ("01.2.3.4", None),
        ("1.2.3.4%eth0", None),
        ("1.2.3.4/8", None),
        ("[2001:db8::1", None),
        ("2001:db8::1]:80", None),
        ("[2001:db8::1]80", None),
        ("1" * 100_000, None),
        ("\x80\xff", None),
    ],
)
def test_a_forwarded_node_is_parsed_into_its_address_or_none(
    node: str, address: str | None
) -> None:
    assert (None if (found := parse_node(node)) is None else str(found)) == address
