"""Jobs drawn with other people's extensions beside ours: what they draw is arranged once, merged throughout, and restored."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.webui.client import OURS, PROBE, Client, Picture
from tests.webui.others import (
    CONTROLNET,
    DETAILER,
    DETECTOR,
    DYNAMIC,
    MIXER,
    OTHERS_PROBE,
    SUPERMERGER,
    beside,
    complaints,
    installed,
    needs,
)
from tests.webui.server import Server
from tests.webui.test_benchmark import close_to
from tests.webui.test_live_merge import recipe
from tests.webui.test_more_merges import plotted
from tests.webui.test_panel import MESSY, by_hand, panel

pytestmark = pytest.mark.skipif(not installed(), reason="no folder of other extensions in TAG_ATELIER_OTHERS")


@pytest.fixture(scope="session")
def crowd(boot: Callable[..., Server]) -> Server:
    """A WebUI with all of them."""
    return boot("crowd", "link", install=True, prepare=beside(installed()))


@pytest.fixture
def client(crowd: Server) -> Iterator[Client]:
    """Speaks to it; afterwards nothing is merged and the first checkpoint is loaded from its file."""
    yield crowd.client
    crowd.client.post(f"{PROBE}/plan", {"fail": ""})
    if crowd.client.get(f"{OURS}/status")["dirty"]:
        crowd.client.restore()
    crowd.client.choose("tiny-sd15-b.safetensors")
    crowd.client.choose("tiny-sd15-a.safetensors")


def defaults(client: Client, title: str) -> tuple[list[str], list[object]]:
    """Labels and values of an extension's controls in txt2img, in their order."""
    found = next(it for it in client.get("/sdapi/v1/script-info") if it["name"].startswith(title) and not it["is_img2img"])
    return [str(it["label"]) for it in found["args"]], [it["value"] for it in found["args"]]


def others(client: Client, title: str, **given: object) -> dict[str, object]:
    """The part of a request that speaks to an extension: its controls as they stand, but ``given`` by label."""
    labels, values = defaults(client, title)
    for label, value in given.items():
        values[labels.index(label)] = value
    name = next(it for it in client.get("/sdapi/v1/scripts")["txt2img"] if it.startswith(title))
    return {name: {"args": values}}


def together(*parts: Mapping[str, object]) -> dict[str, object]:
    """Several extensions' parts in one request."""
    return {"alwayson_scripts": {name: value for part in parts for name, value in part.items()}}


def ours(**request: object) -> Mapping[str, object]:
    return panel(request)["alwayson_scripts"]  # type: ignore[return-value]


def first_lines(drawn: list[Picture]) -> list[str]:
    return [one.infotext.splitlines()[0] for one in drawn if one.image().size == (64, 64)]


@pytest.mark.parametrize("folder", ["tag-atelier", "!tag-atelier", "zz-tag-atelier"])
def test_all_start_in_any_order(boot: Callable[..., Server], folder: str) -> None:
    server = boot(f"order {folder[0]}", "link", prepare=beside(installed(), folder))
    try:
        assert complaints(server) == []
        titles = server.client.get("/sdapi/v1/scripts")["txt2img"]
        assert {"tag atelier", "rare-tag benchmark"} <= set(titles)
        if DYNAMIC in installed():  # it writes each picture's prompt; only then there is something to arrange
            assert next(it for it in titles if it.startswith("dynamic")) in titles[: titles.index("tag atelier")]
    finally:
        server.stop()


@needs(DYNAMIC)
class TestDynamicPrompts:
    """What is drawn after its expansion is what is arranged."""

    TEMPLATE = "{white|black|blonde} hair, best quality, {2$$, $$from above|smile|open mouth}, 1girl"

    def theirs(self, client: Client, combinatorial: bool = False) -> dict[str, object]:
        asked = {"Dynamic Prompts enabled": True, "Combinatorial generation": combinatorial}
        return others(client, "dynamic prompts", **asked)

    def drawn(self, client: Client, *parts: Mapping[str, object], prompt: str = TEMPLATE, **fields: object) -> list[str]:
        return first_lines(client.draw_all(prompt, **together(*parts), **fields))

    def test_every_picture_is_arranged_after_its_own_expansion(self, client: Client) -> None:
        theirs = self.theirs(client)
        job = {"batch_size": 2, "n_iter": 2}
        plain = self.drawn(client, theirs, ours(enabled=False), **job)
        assert len(plain) == 4 and len(set(plain)) > 1 and not any("{" in line for line in plain)
        assert self.drawn(client, theirs, ours(), **job) == [by_hand(client, line) for line in plain]

    def test_combinatorial(self, client: Client) -> None:
        theirs = self.theirs(client, True)
        template = "{white|black} hair, best quality, {smile|open mouth}, 1girl"
        plain = self.drawn(client, theirs, prompt=template)
        assert len(set(plain)) == 4
        assert self.drawn(client, theirs, ours(), prompt=template) == [by_hand(client, line) for line in plain]

    def test_the_second_pass(self, client: Client) -> None:
        theirs = self.theirs(client)
        drawn = client.draw(self.TEMPLATE, **client.hires, **together(theirs, ours()))
        line = drawn.infotext.splitlines()[0]
        assert "{" not in drawn.infotext.split("Template")[0] and "Hires prompt" not in drawn.infotext
        assert drawn.pixels == client.draw(line, **client.hires).pixels

    @pytest.mark.parametrize(
        "template",
        [
            TEMPLATE,
            "{smile, best quality|white hair, 1girl}, forest, from above",
            "{0.3::white hair|0.7::black hair}, 1girl, (best quality:1.2), {sitting|standing}",
            "best quality, ${colour=!{red|blue}} ${colour} eyes, ${colour} hair, 1girl",
            "masterpiece, {1-2$$ and $$smile|blush}, 1girl, white hair",
        ],
    )
    def test_a_template_arranged_in_the_box_means_the_same(self, client: Client, template: str) -> None:
        theirs = self.theirs(client, True)
        arranged = client.post(f"{OURS}/prompt/arrange", {"text": template, "profile": "aidxl"})["text"]

        def expansions(text: str) -> set[tuple[str, ...]]:
            lines = self.drawn(client, theirs, prompt=text)
            return {tuple(sorted(tag.strip() for tag in line.split(",") if tag.strip())) for line in lines}

        assert expansions(arranged) == expansions(template)


def square(client: Client, **more: object) -> dict[str, object]:
    """ADetailer's part of a request: one pass over the square that the test's detector finds."""
    return {"adetailer": {"args": [True, False, {"ad_model": DETECTOR, **more}]}}


@needs(DETAILER)
class TestDetailer:
    """Its passes are jobs inside a job, and it calls every script's hooks for copies of the job."""

    def passes(self, client: Client, prompt: str = MESSY, **fields: object) -> tuple[list[dict[str, object]], Picture]:
        client.post(f"{OTHERS_PROBE}/watch", {"on": True})
        try:
            drawn = client.draw_all(prompt, **fields)
            return client.get(f"{OTHERS_PROBE}/passes")["passes"], drawn[-1]
        finally:
            client.post(f"{OTHERS_PROBE}/watch", {"on": False})

    def test_arranged_once(self, client: Client) -> None:
        found, drawn = self.passes(client, **together(square(client), ours(quality="default")))
        expected = drawn.infotext.splitlines()[0]
        assert expected == client.draw(MESSY, **panel({"quality": "default"})).infotext.splitlines()[0]
        assert [it["depth"] for it in found] == [1, 2]
        assert [it["prompts"] for it in found] == [[expected]] * 2
        assert "ADetailer model" in drawn.infotext and "ADetailer prompt" not in drawn.infotext

    def test_a_prompt_of_its_own_is_its_own(self, client: Client) -> None:
        found, _ = self.passes(client, **together(square(client, ad_prompt=MESSY), ours()))
        assert [it["prompts"] for it in found] == [[by_hand(client)], [MESSY]]

    @pytest.mark.parametrize("selected", [True, False], ids=["chosen scripts", "all scripts"])
    def test_a_merge_for_the_job_stays_through_its_passes(self, client: Client, selected: bool) -> None:
        before = client.weights()
        client.post("/sdapi/v1/options", {"ad_only_selected_scripts": selected})
        try:
            plain, _ = self.passes(client)
            fields = {"batch_size": 2, "n_iter": 2}
            found, _ = self.passes(client, **fields, **together(square(client), ours(merge=recipe())))
        finally:
            client.post("/sdapi/v1/options", {"ad_only_selected_scripts": True})
        assert [it["depth"] for it in found] == [1, 2, 2, 1, 2, 2]
        assert len({it["unet"] for it in found}) == 1 and found[0]["unet"] != plain[0]["unet"]
        assert client.weights() == before

    def test_a_checkpoint_of_its_own_undoes_no_merge_for_the_job(self, client: Client) -> None:
        before = client.weights()
        (other,) = self.passes(client, override_settings={"sd_model_checkpoint": "tiny-sd15-b"})[0]
        theirs = square(client, ad_use_checkpoint=True, ad_checkpoint="tiny-sd15-b.safetensors")
        found, _ = self.passes(client, n_iter=2, **together(theirs, ours(merge=recipe())))
        drawn = [it["unet"] for it in found]
        assert [it["depth"] for it in found] == [1, 2, 1, 2]
        assert drawn[0] == drawn[2] and drawn[1] == drawn[3] == other["unet"] != drawn[0]
        client.draw()
        assert client.weights() == before

    def test_cells_of_a_plot(self, client: Client) -> None:
        before = client.weights()
        client.post(f"{OTHERS_PROBE}/watch", {"on": True})
        plotted(client, "Seed", "1, 2", **together(square(client), ours(merge=recipe())))
        found = client.get(f"{OTHERS_PROBE}/passes")["passes"]
        client.post(f"{OTHERS_PROBE}/watch", {"on": False})
        assert [it["depth"] for it in found] == [1, 2, 1, 2] and len({it["unet"] for it in found}) == 1
        assert client.weights() == before

    def test_the_panel_tells_of_the_picture(self, client: Client) -> None:
        plain = client.draw(MESSY, **panel({}))
        drawn = client.draw(MESSY, **together(square(client), ours()))
        assert drawn.pixels != plain.pixels and drawn.infotext.startswith(by_hand(client))


@needs(CONTROLNET)
class TestControlnet:
    """It replaces the UNet's forward for a job; "reference_only" needs no model of its own."""

    @pytest.fixture
    def unit(self, client: Client) -> Mapping[str, object]:
        image = base64.b64encode(client.draw().png).decode()
        return {"controlnet": {"args": [{"enabled": True, "module": "reference_only", "image": image, "weight": 1.0}]}}

    def test_arranged_and_merged(self, client: Client, unit: Mapping[str, object]) -> None:
        before, plain = client.weights(), client.draw(by_hand(client)).pixels
        steered = client.draw(by_hand(client), **together(unit)).pixels
        assert steered != plain
        assert client.draw(MESSY, **together(unit, ours())).pixels == steered
        client.apply(recipe())
        merged = client.draw(MESSY, **together(unit, ours())).pixels
        client.restore()
        assert client.draw(MESSY, **together(unit, ours(merge=recipe()))).pixels == merged not in (plain, steered)
        assert client.weights() == before and client.draw(by_hand(client)).pixels == plain

    @pytest.mark.parametrize("step", ["sample", "init"])
    def test_a_job_that_failed_under_it_leaves_nothing_in_a_benchmark(
        self, client: Client, crowd: Server, unit: Mapping[str, object], step: str
    ) -> None:
        prompt = "1girl, glaring"
        plain = client.draw(prompt)
        client.post(f"{PROBE}/plan", {"fail": step})
        assert client.try_draw(**together(unit)).status == 500
        spec = {
            "name": f"after controlnet {step}",
            "template": "1girl, {tag}",
            "tags": ["glaring"],
            "seeds": [1],
            "checkpoints": ["tiny-sd15-a"],
            "parameters": {"steps": 2, "width": 64, "height": 64, "sampler": "Euler", "cfg_scale": 7},
        }
        job = client.job("POST", "/benchmarks", {"spec": spec})
        assert job["state"] == "done", job
        stored = sorted((crowd.data / "tag-atelier" / "runs" / job["result"]["run"]).rglob("*.png"))
        assert any(close_to(path, plain) for path in stored), stored


SOMEBODY_ELSES = "was made in memory by another extension"


class TestForeignMerges:
    """Other extensions that merge in memory: nothing of ours claims their model or is laid over it."""

    def check(self, client: Client) -> None:
        """The loaded model is theirs: we say so, merge nothing into it, measure nothing on it."""
        theirs = client.weights()
        status = client.get(f"{OURS}/status")
        assert status["in_memory_only"] is True and status["dirty"] is False
        job = client.job("POST", "/live", {"recipe": recipe()})
        assert job["state"] == "failed" and SOMEBODY_ELSES in job["error"]
        spec = {"name": "n", "template": "{tag}", "tags": ["glaring"], "parameters": {"steps": 2, "width": 64, "height": 64}}
        for checkpoints in ([], ["tiny-sd15-a"]):
            refused = client.request("POST", f"{OURS}/benchmarks", {"spec": {**spec, "checkpoints": checkpoints}})
            assert refused.status == 409 and SOMEBODY_ELSES in refused.json()["detail"]
        for_job = client.try_draw(**panel({"merge": recipe()}))
        assert for_job.status == 409 and SOMEBODY_ELSES in for_job.json()["detail"]
        assert status["loaded"] not in client.get(f"{OURS}/names")["checkpoints"]
        assert client.weights() == theirs

    def left(self, client: Client, own: Mapping[str, str]) -> None:
        """Another checkpoint and back: the file's own weights, and ours again."""
        client.choose("tiny-sd15-b.safetensors")
        client.choose("tiny-sd15-a.safetensors")
        client.draw()
        assert client.weights() == own
        assert client.get(f"{OURS}/status")["in_memory_only"] is False
        client.apply(recipe())
        client.restore()
        assert client.weights() == own

    @needs(SUPERMERGER)
    def test_supermerger(self, client: Client) -> None:
        own = client.weights()
        merge = {"a": "tiny-sd15-a", "b": "tiny-sd15-b", "alpha": 0.5}
        client.post(f"{OTHERS_PROBE}/supermerge", merge)
        theirs = client.weights()
        assert theirs["unet"] != own["unet"]
        self.check(client)
        self.left(client, own)
        client.apply(recipe(alpha=0.25))
        client.post(f"{OTHERS_PROBE}/supermerge", merge)
        assert client.weights() == theirs and client.get(f"{OURS}/status")["live_merge"] is None
        assert client.job("DELETE", "/live")["state"] == "done" and client.weights() == theirs
        self.left(client, own)

    @needs(MIXER)
    def test_model_mixer(self, client: Client) -> None:
        """From another checkpoint than its model A: with that one loaded it fails on a machine without CUDA, by itself."""
        own, plain = client.weights(), client.draw().pixels
        asked = {"Enable Model Mixer": True, "Merge B": "tiny-sd15-b", "Multiplier for Model B": 0.5}
        theirs = together(others(client, "model mixer", **asked), ours())
        mixed = theirs["alwayson_scripts"]["model mixer"]["args"]  # type: ignore[index]
        mixed[5] = {"save_settings": [], "calc_settings": {}}  # what its page's script keeps there
        for merged_before in (False, True):
            client.choose("tiny-sd15-b.safetensors")
            if merged_before:
                client.apply(recipe("tiny-sd15-b", "tiny-sd15-a", 0.25))
            drawn = client.draw(MESSY, **theirs)
            assert drawn.infotext.splitlines()[0] == by_hand(client) and "ModelMixer" in drawn.infotext
            assert client.get(f"{OURS}/status")["live_merge"] is None and "Tag Atelier merge" not in drawn.infotext
            assert client.weights()["unet"] != own["unet"]
            self.check(client)
            assert client.job("DELETE", "/live")["state"] == "done"
            self.left(client, own)
            assert client.draw().pixels == plain
