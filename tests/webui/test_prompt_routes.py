"""The prompt page's routes in the WebUI: its own styles, pictures, embeddings and checkpoints."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.webui.client import OURS, Client
from tests.webui.server import Server


def test_lanes_and_edits(client: Client) -> None:
    lanes = client.post(
        f"{OURS}/prompt/lanes", {"text": "smile, (1girl:1.1)", "profile": "aidxl", "box": "t", "language": "zh_CN"}
    )
    assert [(item["tag"], item["slot"]) for item in lanes["items"]] == [("smile", "expression"), ("1girl", "subject")]
    assert lanes["tokens_exact"] is True, "every WebUI has open_clip's table"
    off = client.post(f"{OURS}/prompt/edit", {"text": "smile, hat", "box": "t", "op": {"kind": "off", "index": 0}})
    assert (off["text"], off["items"][-1]["off"]) == ("hat", True)
    kept = client.get(f"{OURS}/prompt/memory")
    assert [row["text"] for row in kept["boxes"]["t"]["off"]] == ["smile"]
    assert client.post(f"{OURS}/prompt/memory", {"clear": "boxes"})["boxes"] == {}
    refused = client.request(
        "POST", f"{OURS}/prompt/edit", {"text": "a BREAK b", "op": {"kind": "move", "index": 1, "to_index": 0}}
    )
    assert (refused.status, refused.json()["error"]) == (422, "PromptError")


def test_search_family_and_helpers(client: Client) -> None:
    found = client.get(f"{OURS}/prompt/search?q={quote('绫波丽')}&limit=1")["entries"]
    assert [entry["insert"] for entry in found] == ["ayanami rei"]
    family = client.get(f"{OURS}/prompt/profile")
    assert (family["id"], family["checkpoint"][:9]) == ("aidxl", "tiny-sd15")
    assert client.get(f"{OURS}/prompt/settings?profile=pony")["sampling"]["clip_skip"] == 2
    assert client.post(f"{OURS}/prompt/artists", {"text": "1girl", "artists": [{"name": "ask"}]})["text"] == "by ask, 1girl"
    assert client.post(f"{OURS}/prompt/character", {"name": "芙莉莲"})["tag"] == "frieren"


def test_a_style_is_saved_where_the_webui_reads_it(client: Client, server: Server) -> None:
    saved = client.post(
        f"{OURS}/prompt/styles/export", {"name": "made by a test", "prompt": "{prompt}, best", "negative": "bad"}
    )
    assert (server.data / saved["file"]).is_file()
    styles = client.get("/sdapi/v1/prompt-styles")
    assert {"name": "made by a test", "prompt": "{prompt}, best", "negative_prompt": "bad"} in styles
    used = client.post(f"{OURS}/prompt/styles/import", {"names": ["made by a test"], "prompt": "hat", "negative": ""})
    assert used == {"prompt": "hat, best", "negative": "bad"}
    assert "made by a test" in [style["name"] for style in client.get(f"{OURS}/prompt/styles")["styles"]]


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_a_picture_of_the_webuis_own_is_read(client: Client, kind: str) -> None:
    drawn = client.post(
        "/sdapi/v1/txt2img",
        {
            "prompt": "1girl, 微笑", "negative_prompt": "lowres", "steps": 2, "width": 64, "height": 64, "seed": 7,
            "override_settings": {"samples_format": kind},
        },
    )  # fmt: skip
    read = client.post(f"{OURS}/prompt/from_picture", {"image": drawn["images"][0]})
    assert (read["source"], read["prompt"], read["negative"]) == ("infotext", "1girl, 微笑", "lowres")
    assert (read["settings"]["steps"], read["settings"]["seed"], read["settings"]["width"]) == (2, 7, 64)


def test_a_picture_without_parameters_goes_to_the_tagger(client: Client) -> None:
    plain = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAADElEQVR4nGNgGB4AAADIAAGtQHYiAAAAAElFTkSuQmCC"
    read = client.post(f"{OURS}/prompt/from_picture", {"image": plain})
    assert (read["source"], read["threshold"]) == ("tagger", 0.35)


def test_installed_embeddings_are_told(client: Client, server: Server) -> None:
    folder = Path(server.data) / "embeddings"
    folder.mkdir(exist_ok=True)
    (folder / "made-here.pt").write_bytes(b"x")
    try:
        negative = client.post(f"{OURS}/prompt/negative", {"preset": "none", "embeddings": ["made-here"]})
    finally:
        (folder / "made-here.pt").unlink()
    assert (negative["text"], negative["installed"]) == ("made-here", [{"name": "made-here", "base": "", "vectors": 0}])
