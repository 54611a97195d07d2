from modegate.adapters.claude_cli.process.orphan_guard_process import watch


def test_groups_that_are_gone_are_forgotten() -> None:
    told = [b"10 a\n", b"20 b\n", b"-10\n", b"30 c\n", b"-99\n"]
    assert watch(told) == {20: "b", 30: "c"}
