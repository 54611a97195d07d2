from modegate.adapters.claude_cli.guard_process import watch


def test_groups_that_are_gone_are_forgotten() -> None:
    assert watch([b"10\n", b"20\n", b"-10\n", b"30\n", b"-99\n"]) == {20, 30}
