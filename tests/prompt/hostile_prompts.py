"""Prompts made to take long: each is as large as is looked at, and odd in one way. Used by the tests of jobs."""

from __future__ import annotations

HOSTILE = [
    *("(" * 10_000, "[" * 10_000 + "]" * 10_000, "[a:" * 15_000, "smile, " * 9_000, "x" * 10**6, "(a|" * 20_000, "[|" * 30_000),
    *(
        "a\x00, " * 20_000,
        "\ud800, 1girl, " * 5_000,
        "a\r\n, b\r" * 8_000,
        "a AND b " * 8_000,
        "hat#\n" * 13_000,
        "长发, " * 16_000,
    ),
    *(", ".join(f"tag{number} x" for number in range(6_000)), "EasyNegative, " * 4_600, "very long hair, long hair, " * 2_400),
]
