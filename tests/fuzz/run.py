"""Fuzzes every route with schemathesis and says how many requests were answered how, as one JSON line; a program.

    python tests/fuzz/run.py --schemathesis PATH --examples 150 --seed 1

Exits with 1 when anything was answered with 5xx, or when fewer than ``--least`` requests were made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "/tag-atelier/v1"


def known_names(address: str) -> dict[str, list[str]]:
    """Values that lead somewhere, by the key they are asked under."""

    def ask(path: str) -> dict[str, list[str]]:
        with urllib.request.urlopen(f"{address}{PREFIX}/{path}", timeout=60) as answer:
            found: dict[str, list[str]] = json.load(answer)
        return found

    names, runs = ask("names"), [str(run["id"]) for run in ask("runs")["runs"]]  # type: ignore[call-overload]
    return {
        "run_id": runs, "runs": [",".join(runs * 2), runs[0]], "name": ["report.html", "results.json", "export.zip", "a-name"],
        "profile": names["profiles"], "method": names["methods"], "preset": names["benchmarks"],
        "models": names["checkpoints"], "base": names["checkpoints"], "checkpoints": names["checkpoints"],
        "checkpoint": names["checkpoints"], "template": ["1girl, {tag}"], "tags": ["glaring", "hat", "smile"],
        "text": ["1girl, (smile:1.2), [a|b], <lora:x:1> BREAK forest, by ask", "1girl, [hat:0.5], \\(a\\)"],
        "slot": ["action", "main_char"], "image": ["AAAA", "data:image/png;base64,iVBORw0KGgo="],
    }  # fmt: skip


def fuzz(schemathesis: str, address: str, given: argparse.Namespace) -> None:
    """Send random requests until every route has had its share; what they did to the server, the server counts."""
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONUTF8": "1",
        "TAG_ATELIER_FUZZ_NAMES": json.dumps(known_names(address)),
    }
    command = [
        schemathesis, "run", f"{address}/openapi.json", "--include-path-regex", f"^{PREFIX}/", "--checks", "not_a_server_error",
        "--phases", given.phases, "--max-examples", str(given.examples), "--seed", str(given.seed), "--no-shrink",
        "--continue-on-failure", "--suppress-health-check", "all", "--request-timeout", "60", "--warnings", "off",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # it keeps what it found beside where it runs
        subprocess.run(command, env=environment, cwd=folder, stdout=sys.stderr, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemathesis", required=True, help="the program")
    parser.add_argument("--examples", type=int, default=150, help="random requests per route (default: 150)")
    parser.add_argument("--phases", default="examples,coverage,fuzzing", help="schemathesis' own (default: all but stateful)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=int, default=5000, help="fewest requests that count as a run (default: 5000)")
    given = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(HERE / "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    if address:
        fuzz(given.schemathesis, address, given)
    counted = json.loads(server.communicate()[0] or '{"statuses": {}, "failures": ["the server did not start"]}')
    requests = sum(counted["statuses"].values())
    found = {"requests": requests, "server_errors": len(counted["failures"]), **counted, "seed": given.seed}
    sys.stdout.write(json.dumps({**found, "failures": counted["failures"][:20]}) + "\n")
    return int(bool(counted["failures"]) or requests < given.least)


if __name__ == "__main__":
    sys.exit(main())
