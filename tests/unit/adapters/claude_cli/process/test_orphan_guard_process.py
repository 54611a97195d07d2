from modegate.adapters.claude_cli.process.orphan_guard_process import watch


def test_process_groups_reported_as_gone_are_dropped() -> None:
    lines = [b"10 a\n", b"20 b\n", b"-10\n", b"30 c\n", b"-99\n"]
    assert watch(lines) == {20: "b", 30: "c"}
