"""`python -m modegate`."""

import sys

from modegate.entrypoints.cli import main

sys.exit(main())
