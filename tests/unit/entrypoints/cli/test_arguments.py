"""Wrong usage of the command line."""

import pytest

from modegate.entrypoints.cli.arguments import COMMANDS, build_parser, parse_arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--config x.toml serve", "--config belongs after the command: `modegate serve --config"),
        ("--config=x.toml doctor", "--config belongs after the command: `modegate doctor --config"),
        ("--config", "--config belongs after the command: `modegate serve --config"),
        ("--config serve demo", "--config belongs after the command: `modegate serve --config"),
        ("--offline serve", "--offline belongs after the command: `modegate serve --offline`"),
        ("--live doctor", "--live belongs after the command: `modegate doctor --live`"),
        ("--session s chat Hi", "--session belongs after the command: `modegate chat --session"),
        ("--bogus serve", "unknown option --bogus"),
        ("--bogus=sk-secret serve", "unknown option --bogus"),
    ],
)
def test_an_option_before_the_command_is_reported_with_the_right_order(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments.split())
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith(f"modegate: {message}")
    assert told.count("\n") == 1
    assert "secret" not in told


def test_options_after_the_command_are_parsed() -> None:
    assert parse_arguments(["serve", "--config", "x.toml"]).config == "x.toml"
    assert parse_arguments(["chat", "-", "--session", "s"]).session == "s"


@pytest.mark.parametrize("command", [*COMMANDS])
def test_the_parser_of_one_command_parses_it_as_that_of_all_does(command: str) -> None:
    alone = build_parser(command)._commands()  # noqa: SLF001 - what it has made
    of_all = build_parser()._commands()  # noqa: SLF001
    assert [*alone] == [command]
    assert [*of_all] == [*COMMANDS]
    assert alone[command].format_help() == of_all[command].format_help()
