"""The tables of prices."""

from datetime import date
from pathlib import Path

import pytest

from modegate.domain.usage.prices import DatedPrice, Price, PriceTable
from modegate.entrypoints.config.mapping import configuration
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings

WHOLE = """
[prices."gpt-4o*"]
input = 2.5
cached_input = 1.25
output = 10

[[prices.ours]]
input = 0
output = 0.0

[[prices.ours]]
from = 2027-01-01
input = 1
output = 2
cache_write = 3
"""


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str) -> LoadedSettings:
    Path("modegate.toml").write_text(text)
    return load_settings({"XDG_CONFIG_HOME": "nowhere"})


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(text)
    return raised.value.faults


def test_every_value_reaches_the_domain() -> None:
    assert configuration(load(WHOLE).settings).prices == PriceTable(
        {
            "gpt-4o*": (DatedPrice(Price(input=2.5, cached_input=1.25, output=10.0)),),
            "ours": (
                DatedPrice(Price(input=0.0, output=0.0)),
                DatedPrice(Price(input=1.0, output=2.0, cache_write=3.0), date(2027, 1, 1)),
            ),
        }
    )
    assert configuration(load("").settings).prices == PriceTable()


LATER = "prices.ours, entry 2 = input 1.0, output 2.0, cache_write 3.0, from 2027-01-01  (modegate.toml)"


def test_prices_are_shown_with_their_source() -> None:
    shown = [line for line in load(WHOLE).describe() if line.startswith("prices")]
    assert shown == [
        'prices."gpt-4o*" = input 2.5, output 10.0, cached_input 1.25  (modegate.toml)',
        "prices.ours, entry 1 = input 0.0, output 0.0  (modegate.toml)",
        LATER,
    ]
    assert "prices = -  (default)" in list(load("").describe())


MONEY = "must be USD for a million tokens: a number of at least 0, like 2.5"
ROW = "input = 1\noutput = 1\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"[prices.m]\n{ROW}inptu = 1", "prices.m.inptu: unknown key; did you mean input?"),
        ("[prices.m]\ninput = 1", "prices.m.output: is missing: USD for a million tokens"),
        ("[prices.m]\ninput = -1\noutput = 1", f"prices.m.input: {MONEY}"),
        ('[prices.m]\ninput = "2"\noutput = 1', f"prices.m.input: {MONEY}"),
        ("[prices.m]\ninput = nan\noutput = 1", f"prices.m.input: {MONEY}"),
        ("[prices.m]\ninput = true\noutput = 1", f"prices.m.input: {MONEY}"),
        (f'[prices."a*b"]\n{ROW}', 'prices."a*b": must have a * at its end only'),
        (f'[prices.""]\n{ROW}', 'prices."": must not be empty'),
        ("prices = 3", 'prices: must be a table, like [prices."gpt-4o*"]'),
        ("[prices]\nm = 3", 'prices.m: must be a table, like [prices."gpt-4o*"]'),
        ("[prices]\nm = [3]", 'prices.m, entry 1: must be a table, like [prices."gpt-4o*"]'),
        (
            f"[prices.m]\n{ROW}from = 2027-01-01T00:00:00Z",
            "prices.m.from: must be a date, like 2027-01-31; it begins at midnight in UTC",
        ),
        (f"[[prices.m]]\n{ROW}[[prices.m]]\n{ROW}", "prices.m: has two rows without from"),
        (
            f'[[prices.m]]\n{ROW}from = 2027-01-01\n[[prices.m]]\n{ROW}from = "2027-01-01"',
            "prices.m: has two rows from 2027-01-01",
        ),
    ],
)
def test_a_wrong_value_is_reported_with_its_place(text: str, fault: str) -> None:
    (found,) = faults(text)
    assert found == f"{fault} (from modegate.toml)"


def test_wrong_prices_do_not_hide_other_faults() -> None:
    found = faults("port = 0\n[prices.m]\ninput = 1\n[prices.n]\noutput = 1")
    assert [line.partition(":")[0] for line in found] == [
        "port",
        "prices.m.output",
        "prices.n.input",
    ]


def test_the_question_for_usage_can_be_turned_off() -> None:
    for value, asks in (("true", True), ("false", False)):
        Path("modegate.toml").write_text(f"openai_usage_in_streams = {value}")
        loaded = load_settings({"XDG_CONFIG_HOME": "nowhere", "OPENAI_API_KEY": "sk-x"})
        (upstream,) = configuration(loaded.settings).routes.upstreams
        assert upstream.usage_in_streams is asks
    table = '[upstreams.u]\nkind = "{}"\nbase_url = "http://127.0.0.1:9"\ncredentials = [{{ id = "a", key = "sk-a" }}]'
    for kind, asks in (("openai", True), ("anthropic", False)):
        (upstream,) = configuration(load(table.format(kind)).settings).routes.upstreams
        assert upstream.usage_in_streams is asks
