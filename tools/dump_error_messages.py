"""Writes the words of every error, after a deliberate change, for the tests of the catalogue."""

import importlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/unit/domain/errors")]

if __name__ == "__main__":
    samples = importlib.import_module("support.error_samples").SAMPLES
    told = importlib.import_module("test_catalogue").told
    words = {name: told(error) for name, error in samples.items()}
    path = ROOT / "tests/captures/error_messages.json"
    path.write_text(json.dumps(words, indent=1) + "\n", "utf-8")
