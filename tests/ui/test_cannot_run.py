"""What stands on the tab of a WebUI that we cannot run on."""

from __future__ import annotations

from tag_atelier.ui import cannot_run

FAILED = ImportError("cannot import name 'sd_schedulers' from 'modules' (/home/anna/sdnext/modules/__init__.py)")


def test_both_languages_say_why_without_a_private_path() -> None:
    blocks = cannot_run.builder(FAILED)()
    english, chinese = (str(block.value) for block in blocks.blocks.values() if hasattr(block, "value"))
    reason = "cannot import name &#x27;sd_schedulers&#x27; from &#x27;modules&#x27;"
    assert f"SD.Next are not supported ({reason})." in english
    assert f"不支持 Forge Neo 与 SD.Next（{reason}）。" in chinese
