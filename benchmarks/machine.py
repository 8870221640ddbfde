"""What figures were taken on. The benchmarks print it beside them."""

from __future__ import annotations

import os


def machine() -> dict[str, object]:
    """``cores``, and ``load``: how many processes wanted one during the last minute, this one included; None on Windows."""
    return {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None}
