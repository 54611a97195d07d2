import pytest

from modegate.adapters.claude_cli.process.backoff import backoff


@pytest.mark.parametrize(
    ("failures", "pause"), [(0, 0.5), (1, 1.0), (3, 4.0), (6, 32.0), (7, 60.0), (100_000, 60.0)]
)
def test_the_backoff_doubles_up_to_its_maximum(failures: int, pause: float) -> None:
    assert backoff(0.5, 60.0, failures) == pause
