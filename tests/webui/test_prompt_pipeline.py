"""What the panel does to every picture of every kind of job, and what it says where it does nothing."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webui.client import OURS, PROBE, Client, Picture
from tests.webui.server import Server
from tests.webui.test_more_merges import plotted
from tests.webui.test_panel import MESSY, by_hand, panel

OTHER = "blue eyes, best quality, from above, (smile:1.3), 1boy, beach"
PONY = "ponyDiffusionV6XL_tiny"
UNCLEAR = "white hair, (best quality, 1girl"


def first_line(picture: Picture) -> str:
    return picture.infotext.splitlines()[0]


def arranged(client: Client, text: str, profile: str = "aidxl") -> str:
    return str(client.post(f"{OURS}/prompt/arrange", {"text": text, "profile": profile})["text"])


class TestEveryPicture:
    """Batches whose pictures have prompts of their own, second passes, comments and styles."""

    def test_prompts_that_another_extension_gave_to_single_pictures(self, client: Client) -> None:
        client.post(f"{PROBE}/plan", {"prompts": [OTHER]})
        drawn = client.draw_all(MESSY, batch_size=2, n_iter=2, **panel({}))
        lines = [first_line(one) for one in drawn if one.image().size == (64, 64)]
        assert lines == [by_hand(client, OTHER), *[by_hand(client)] * 3]

    def test_a_list_of_prompts(self, client: Client) -> None:
        arguments = [False, False, "start", f"{MESSY}\n{OTHER}"]
        script = {"script_name": "Prompts from file or textbox", "script_args": arguments}
        drawn = client.draw_all("", **script, **panel({}))
        lines = [first_line(one) for one in drawn]  # Forge hands the first one over twice
        assert list(dict.fromkeys(lines)) == [by_hand(client), by_hand(client, OTHER)]

    def test_a_second_pass_with_a_prompt_of_its_own(self, client: Client) -> None:
        drawn = client.draw(MESSY, **client.hires, hr_prompt=OTHER, **panel({}))
        plain = client.draw(by_hand(client), **client.hires, hr_prompt=by_hand(client, OTHER))
        assert drawn.pixels == plain.pixels
        assert f'Hires prompt: "{by_hand(client, OTHER)}"' in drawn.infotext

    def test_the_grid_tells_what_its_pictures_tell(self, client: Client) -> None:
        grid, *rest = client.draw_all(MESSY, batch_size=2, save_images=True, **panel({}))
        assert grid.image().size != (64, 64) and len(rest) == 2
        assert {first_line(one) for one in (grid, *rest)} == {by_hand(client)}

    def test_comments_are_gone_before_we_come(self, client: Client) -> None:
        drawn = client.draw(f"# masterpiece\n{MESSY}", **panel({}))
        assert first_line(drawn) == by_hand(client) and "masterpiece" not in drawn.infotext
        assert drawn.pixels == client.draw(by_hand(client)).pixels

    def test_styles_are_merged_before_we_come(self, client: Client, style: str) -> None:
        drawn = client.draw(MESSY, styles=[style], **panel({}))
        assert first_line(drawn) == by_hand(client, f"from above, {MESSY}, best quality, night")
        assert "Negative prompt: lowres" in drawn.infotext

    def test_quality_and_negative_words(self, client: Client) -> None:
        drawn = client.draw(MESSY, negative_prompt="text", **panel({"quality": "amazing", "negative_preset": "chinese_guide"}))
        assert first_line(drawn).endswith("amazing quality") and "best quality" in first_line(drawn)
        negative = drawn.infotext.splitlines()[1]
        assert negative.startswith("Negative prompt: worst quality, low quality") and negative.endswith(", text")
        assert "Tag Atelier quality: amazing, Tag Atelier negative: chinese_guide" in drawn.infotext

    @pytest.fixture
    def style(self, client: Client) -> str:
        name, prompt = "pipeline", "from above, {prompt}, best quality, night"
        known = {row["name"] for row in client.get("/sdapi/v1/prompt-styles")}
        if name not in known:
            client.post(f"{OURS}/prompt/styles/export", {"name": name, "prompt": prompt, "negative": "lowres"})
        return name


LONG = " ".join(["blackandwhitephotography"] * 2700)
"""Above 65,536 characters in few tokens: each word is one to CLIP, and a text encoder of full size takes its time."""
LEFT = {
    "unknown family": (MESSY, {"profile": "aidxl-9"}, MESSY, "aidxl-9"),
    "unbalanced": (UNCLEAR, {}, UNCLEAR, "a bracket is never closed"),
    "very long": (LONG, {}, LONG, "longer than 65,536 characters"),
}


class TestNeverStopped:
    """On any doubt the picture is drawn from the prompt as it is, and infotext and console say why."""

    @pytest.mark.parametrize(("prompt", "request_", "expected", "why"), LEFT.values(), ids=LEFT.keys())
    def test_left_as_it_was(
        self, client: Client, server: Server, prompt: str, request_: dict[str, object], expected: str, why: str
    ) -> None:
        drawn = client.draw(prompt, **panel(request_))
        assert first_line(drawn) == expected
        note = drawn.infotext.splitlines()[-1]
        assert 'Tag Atelier note: "' in note and why in note
        assert why in server.log_text()

    def test_a_family_without_the_level_sorts_all_the_same(self, client: Client) -> None:
        drawn = client.draw(MESSY, **panel({"quality": "splendid"}))
        assert first_line(drawn) == by_hand(client)
        assert "has no quality level 'splendid'" in drawn.infotext and "Tag Atelier quality" not in drawn.infotext

    def test_each_picture_tells_of_its_own_prompt_only(self, client: Client) -> None:
        client.post(f"{PROBE}/plan", {"prompts": [UNCLEAR]})
        drawn = [one for one in client.draw_all(MESSY, batch_size=2, **panel({})) if one.image().size == (64, 64)]
        assert ["Tag Atelier note" in one.infotext for one in drawn] == [True, False]


class TestFamily:
    """The checkpoint's own family."""

    @pytest.fixture
    def pony(self, client: Client, server: Server) -> Iterator[str]:
        folder = server.data / "models" / "Stable-diffusion"
        copied = folder / f"{PONY}.safetensors"
        link_or_copy(folder / "tiny-sd15-a.safetensors", copied)
        config = folder / "tiny-sd15-a.yaml"
        if config.exists():
            shutil.copy(config, copied.with_suffix(".yaml"))
        client.post("/sdapi/v1/refresh-checkpoints")
        yield copied.name
        client.choose("tiny-sd15-a.safetensors")
        copied.unlink()
        copied.with_suffix(".yaml").unlink(missing_ok=True)
        client.post("/sdapi/v1/refresh-checkpoints")

    def test_it_is_the_one_that_draws(self, client: Client, pony: str) -> None:
        assert "Tag Atelier profile: aidxl" in client.draw(MESSY, **panel({"profile": "automatic"})).infotext
        override = {"override_settings": {"sd_model_checkpoint": pony}}
        drawn = client.draw(MESSY, **panel({"profile": "automatic", "quality": "default"}), **override)
        assert "Tag Atelier profile: pony" in drawn.infotext and "score_9" in first_line(drawn)
        assert "Tag Atelier profile: aidxl" in client.draw(MESSY, **panel({"profile": "automatic"})).infotext

    def test_changing_the_checkpoint_changes_it_for_the_routes_too(self, client: Client, pony: str) -> None:
        client.post("/sdapi/v1/options", {"sd_model_checkpoint": pony})
        assert arranged(client, MESSY, "automatic") == arranged(client, MESSY, "pony") != arranged(client, MESSY)
        drawn = client.draw(MESSY, **panel({"profile": "automatic"}))
        assert "Tag Atelier profile: pony" in drawn.infotext


def link_or_copy(source: Path, destination: Path) -> None:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy(source, destination)


class TestPlot:
    """Our axes in the X/Y/Z plot; the panel itself stays off."""

    def test_profiles(self, client: Client) -> None:
        cells = plotted(client, "Tag Atelier profile", "aidxl, pony", prompt=MESSY)
        assert [first_line(cell) for cell in cells] == [arranged(client, MESSY), arranged(client, MESSY, "pony")]
        assert [cell.pixels for cell in cells] == [client.draw(first_line(cell)).pixels for cell in cells]
        assert ["Tag Atelier profile: pony" in cell.infotext for cell in cells] == [False, True]

    def test_order_on_and_off(self, client: Client) -> None:
        cells = plotted(client, "Tag Atelier order", "on, off", prompt=MESSY)
        assert [first_line(cell) for cell in cells] == [by_hand(client), MESSY]
        assert ["Tag Atelier arrange: False" in cell.infotext for cell in cells] == [False, True]

    def test_quality_beside_none_and_what_the_family_has_not(self, client: Client) -> None:
        values = "amazing, none, score_9"
        cells = plotted(client, "Tag Atelier quality", values.replace("score_9", "best"), prompt="1girl, smile")
        assert [first_line(cell) for cell in cells] == [
            "1girl, smile, amazing quality",
            "1girl, smile",
            "1girl, smile, best quality",
        ]
        found = [cell.infotext.partition("Tag Atelier quality: ")[2].split(",")[0] for cell in cells]
        assert found == ["amazing", "", "best"]

    def test_negative_words(self, client: Client) -> None:
        cells = plotted(client, "Tag Atelier negative", "none, chinese_guide", prompt="1girl, smile")
        assert ["Negative prompt: worst quality, low quality" in cell.infotext for cell in cells] == [False, True]

    def test_an_unknown_value_draws_nothing(self, client: Client) -> None:
        from tests.webui.test_more_merges import plot

        answer = plot(client, "Tag Atelier profile", "nobody")
        assert answer.status == 500 and "'nobody' is unknown" in answer.body.decode()


@pytest.mark.only("a1111", "reforge", reason="Forge's API cannot read any infotext: its own fields of lists raise a TypeError")
@pytest.mark.parametrize(
    "request_",
    [
        {"profile": "automatic", "quality": "default", "negative_preset": "default"},
        {"profile": "pony", "arrange": False, "quality": "default"},
        {"profile": "animagine-xl-4"},
    ],
    ids=["all", "unsorted", "family"],
)
def test_pasting_a_picture_s_infotext_draws_it_again(client: Client, request_: dict[str, object]) -> None:
    drawn = client.draw(MESSY, **panel(request_))
    again = client.request("POST", "/sdapi/v1/txt2img", {"infotext": drawn.infotext})
    assert again.status == 200
    assert json.loads(again.json()["info"])["infotexts"][0] == drawn.infotext
    assert base64.b64decode(again.json()["images"][0]) == drawn.png


def test_lint_knows_the_host_s_own_settings_and_networks(client: Client, server: Server) -> None:
    notes = server.data / "models" / "Lora" / "tiny-lora-sd15.json"
    notes.write_text(json.dumps({"activation text": "glaring, holding eyewear"}), encoding="utf-8")
    try:
        asked = {"text": "1girl, glaring, <lora:tiny-lora-sd15:1>", "profile": "sd15-anime", "with": {"live": True}}
        findings = client.post(f"{OURS}/prompt/lint", asked)["findings"]
        fixes = {finding["code"]: finding["fix"] for finding in findings}
        assert fixes["network_triggers"] == "<lora:tiny-lora-sd15:1>, holding eyewear"
        lanes = client.post(f"{OURS}/prompt/lanes", asked)["findings"]
        assert "network_triggers" in {finding["code"] for finding in lanes}
    finally:
        notes.unlink()
