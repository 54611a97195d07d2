"""Fails if the line or branch coverage of the tests is below its minimum."""

import json
import subprocess
import sys
from pathlib import Path

LINES, BRANCHES = 90.0, 85.0


def main() -> int:
    """Checks the coverage of the last test run and returns the exit status."""
    report = Path(".coverage.json")
    subprocess.run(  # noqa: S603 - a fixed command
        [sys.executable, "-m", "coverage", "json", "--quiet", "-o", report], check=True
    )
    totals = json.loads(report.read_text())["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    print(
        f"lines {lines:.1f} % (at least {LINES}), branches {branches:.1f} % (at least {BRANCHES})"
    )
    return 0 if lines >= LINES and branches >= BRANCHES else 1


if __name__ == "__main__":
    sys.exit(main())
