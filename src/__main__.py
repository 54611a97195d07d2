"""`python -m modegate`."""

import sys

from modegate.entrypoints.cli.main import main

sys.exit(main())
