"""The rare-tag benchmark: spec → plan → run → store → stats → report. ``spec`` and ``plan`` load without numpy."""
