"""``python -m tag_atelier``."""

import sys

from tag_atelier.cli import main

sys.exit(main())
