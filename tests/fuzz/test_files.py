"""Files from outside, spoilt at random: whatever reads them answers with a value or with one of our own errors."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import sqlite3
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

from tag_atelier.bench.spec import BenchSpec, list_presets
from tag_atelier.errors import RecipeError, SpecError, TagAtelierError
from tag_atelier.jobs.atelier import Atelier
from tag_atelier.jobs.panel_prompts import PanelMemory
from tag_atelier.jobs.prompt_memory import PromptMemory
from tag_atelier.jobs.recipe_shelf import RecipeShelf
from tag_atelier.jobs.runs import WRITTEN
from tag_atelier.merge.recipe import Recipe
from tag_atelier.merge.sources import open_model
from tag_atelier.prompt.labels import find_labels
from tag_atelier.prompt.profile import load_profiles
from tag_atelier.prompt.styles_csv import read_styles
from tag_atelier.settings import PRESETS_FOLDER
from tag_atelier.tagger.vocabulary import read_vocabulary
from tests.fakes import FakeScorer, fake_host

TIMES = int(os.environ.get("TAG_ATELIER_FUZZ", "60"))
"""Files of each kind."""
BOUNDS = settings(max_examples=TIMES, deadline=None, suppress_health_check=list(HealthCheck))

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12),
    st.sampled_from(["", "²", "９", "\x00", "\ud800", "{tag}", "F16", "9" * 5000, "../x", "[", "1-3", "ALL"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8
)


def spoilt(data: st.DataObject, whole: bytes) -> bytes:
    """``whole`` with a few bytes changed, a piece taken out or put in, or its end cut off."""
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        length = data.draw(st.integers(0, 40))
        content[at : at + length] = data.draw(st.binary(max_size=40))
    return bytes(content[: data.draw(st.integers(0, len(content)))]) if data.draw(st.booleans()) else bytes(content)


def exchanged(data: st.DataObject, value: object) -> object:
    """``value`` with one of its parts, however deep, exchanged for anything."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value, key=str)))
        return {**value, key: exchanged(data, value[key])}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], exchanged(data, value[at]), *value[at + 1 :]]
    return data.draw(VALUES)


def ours_or_nothing(read: Callable[[], object]) -> None:
    """Run ``read``; only our own errors may come out, each with a sentence."""
    try:
        read()
    except TagAtelierError as error:
        assert str(error).strip()


HEADER = {
    "__metadata__": {"format": "pt"},
    "model.diffusion_model.out.2.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
    "first_stage_model.quant_conv.bias": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
}


@BOUNDS
@given(data=st.data())
def test_a_safetensors_header(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "m.safetensors"
    text = json.dumps(exchanged(data, HEADER)).encode("utf-8", "surrogatepass")
    whole = struct.pack("<Q", len(text)) + text + bytes(12)
    path.write_bytes(spoilt(data, whole) if data.draw(st.booleans()) else whole)
    ours_or_nothing(lambda: open_model(path))


@BOUNDS
@given(data=st.data())
def test_a_pickled_checkpoint(tmp_path: Path, data: st.DataObject) -> None:
    import torch

    stream, path = io.BytesIO(), tmp_path / "m.ckpt"
    torch.save({"state_dict": {"model.diffusion_model.out.2.bias": torch.zeros(4)}}, stream)
    path.write_bytes(spoilt(data, stream.getvalue()))
    ours_or_nothing(lambda: open_model(path))


@BOUNDS
@given(data=st.data(), name=st.sampled_from(sorted(list_presets())))
def test_a_plan(data: st.DataObject, name: str) -> None:
    import yaml

    source = list_presets()[name].read_text(encoding="utf-8")
    ours_or_nothing(lambda: BenchSpec.from_value(exchanged(data, yaml.safe_load(source)), files=False))  # type: ignore[arg-type]
    text = spoilt(data, source.encode("utf-8")).decode("utf-8", "replace")
    ours_or_nothing(lambda: BenchSpec.from_value(text, files=False))


RECIPES = sorted((PRESETS_FOLDER / "merges").glob("*.yaml"))


@BOUNDS
@given(data=st.data(), source=st.sampled_from(RECIPES))
def test_a_recipe(data: st.DataObject, source: Path) -> None:
    import yaml

    text = source.read_text(encoding="utf-8")
    ours_or_nothing(lambda: Recipe.from_value(exchanged(data, yaml.safe_load(text))))  # type: ignore[arg-type]
    ours_or_nothing(lambda: Recipe.from_value(spoilt(data, text.encode("utf-8")).decode("utf-8", "replace")))


BOMB = "\n".join(["- &a0 [x, x, x]", *(f"- &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))])


@pytest.mark.parametrize("field", ["tags", "batch_size", "note", "sets"])
def test_a_text_whose_aliases_multiply_is_refused_at_once(tmp_path: Path, field: str) -> None:
    text = f"name: n\nid: mine\n{field}:\n" + "\n".join(f"  {line}" for line in BOMB.splitlines())
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="cannot be parsed"):
        BenchSpec.from_value(text, files=False)
    with pytest.raises(RecipeError, match="neither YAML nor JSON"):
        Recipe.from_value(text)
    assert "mine" not in load_profiles(tmp_path)


@pytest.mark.parametrize("room", ["bench_tab", "search_form"])
def test_the_pages_own_text_is_refused_too(room: str) -> None:
    pytest.importorskip("gradio")
    from tag_atelier.ui import bench_tab, search_form

    read = {"bench_tab": lambda text: bench_tab.with_checkpoints(text, []), "search_form": search_form.read}[room]
    with pytest.raises(SpecError, match="is no YAML"):
        read("rule:\n" + "\n".join(f"  {line}" for line in BOMB.splitlines()))


@BOUNDS
@given(data=st.data())
def test_a_users_model_family(tmp_path: Path, data: st.DataObject) -> None:
    import yaml

    text = (PRESETS_FOLDER / "profiles" / "aidxl.yaml").read_text(encoding="utf-8")
    if data.draw(st.booleans()):
        text = yaml.safe_dump(exchanged(data, yaml.safe_load(text)), allow_unicode=True)
    content = text.encode("utf-8", "surrogatepass")
    (tmp_path / "mine.yaml").write_bytes(spoilt(data, content) if data.draw(st.booleans()) else content)
    ours_or_nothing(lambda: load_profiles(tmp_path))


@pytest.fixture(scope="module")
def atelier(tmp_path_factory: pytest.TempPathFactory) -> Atelier:
    return Atelier(fake_host(tmp_path_factory.mktemp("pictures")), find_scorer=lambda _folders, _name: FakeScorer())


@BOUNDS
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "WEBP"]), text=st.text(max_size=60))
def test_a_picture_with_parameters(atelier: Atelier, data: st.DataObject, kind: str, text: str) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    infotext, stream = f"1girl, {text}\nNegative prompt: {text}\nSteps: {text}, Size: 64x{text}, Seed: 1", io.BytesIO()
    options: dict[str, object] = {}
    if kind == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("parameters", infotext.encode("utf-8", "replace").decode("utf-8"))  # type: ignore[attr-defined]
    Image.new("RGB", (16, 16)).save(stream, kind, **options)
    content = spoilt(data, stream.getvalue()) if data.draw(st.booleans()) else stream.getvalue()
    encoded = base64.b64encode(content).decode("ascii")
    ours_or_nothing(lambda: json.dumps(atelier.prompt_room.picture.read({"image": encoded})))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a host with one finished run."""
    folder = tmp_path_factory.mktemp("runs")
    atelier = Atelier(fake_host(folder), find_scorer=lambda _folders, _name: FakeScorer())
    plan = {"name": "seen", "template": "1girl, {tag}", "tags": ["glaring"], "checkpoints": ["model-a"]}
    job = atelier.start_benchmark({**plan, "parameters": {"width": 64, "height": 64, "steps": 2, "sampler": "Euler"}})
    while not job.over:
        time.sleep(0.05)
    assert job.state == "done", job.error
    atelier.runner.stop(10)
    return folder


def ask_for_everything(folder: Path, run: str) -> None:
    """Whatever the page can ask of a run."""
    stored = Atelier(fake_host(folder), find_scorer=lambda _folders, _name: FakeScorer()).benchmarks.stored
    json.dumps(stored.listed(), default=str)
    ours_or_nothing(lambda: json.dumps(stored.cells(run), default=str))
    ours_or_nothing(lambda: json.dumps(stored.verdicts(run), default=str))
    ours_or_nothing(lambda: stored.compare([run, run]))
    for name in (WRITTEN[0], "results.json"):
        ours_or_nothing(lambda name=name: stored.report_file(run, name))  # type: ignore[misc]


@settings(BOUNDS, max_examples=TIMES // 3 + 1)
@given(data=st.data())
def test_a_stored_run(drawn: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(drawn, folder, dirs_exist_ok=True)
    (database,) = folder.rglob("run.sqlite")
    for name in ("report.html", "results.json"):
        database.with_name(name).unlink(missing_ok=True)
    if data.draw(st.booleans()):
        database.write_bytes(spoilt(data, database.read_bytes()))
    else:
        table, column = data.draw(
            st.sampled_from([("meta", "value"), ("cell", "tags"), ("cell", "used"), ("cell", "state"), ("cell", "image"),
                             ("cell", "checkpoint"), ("score", "probabilities"), ("scorer", "labels")])
        )  # fmt: skip
        value = data.draw(
            st.text(max_size=5) | st.binary(max_size=9) | st.sampled_from(["{}", "[]", "null", "[1]", '{"a": 1}', "9"])
        )
        with sqlite3.connect(database) as connection:
            where = data.draw(st.sampled_from(["", " WHERE key = 'schema'"])) if table == "meta" else ""
            connection.execute(f"UPDATE {table} SET {column} = ?{where}", (value,))
        connection.close()
    ask_for_everything(folder, database.parent.name)
    shutil.rmtree(folder, ignore_errors=True)


LABELS = {
    "selected_tags.csv": b'tag_id,name,category,count\n1,"1girl",0,5\n2,smile,0,4\n',
    "tags.json": b'{"0": "1girl", "1": "smile"}',
    "tag_mapping.json": b'{"0": {"tag": "1girl", "category": "General"}}',
    "metadata.json": b'{"dataset_info": {"tag_mapping": {"idx_to_tag": {"0": "a", "1": "b"}}}}',
    "danbooru.csv": b'1girl,0,100,"girl,sole"\nask,1,20,\n',
}


@BOUNDS
@given(data=st.data(), name=st.sampled_from(sorted(LABELS)))
def test_a_taggers_labels(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str) -> None:
    folder = tmp_path_factory.mktemp("labels")
    content = LABELS[name]
    if name.endswith(".json") and data.draw(st.booleans()):
        content = json.dumps(exchanged(data, json.loads(content))).encode("utf-8")
    (folder / "tags").mkdir()
    for path in (folder / name, folder / "tags" / name):
        path.write_bytes(spoilt(data, content) if data.draw(st.booleans()) else content)
    ours_or_nothing(lambda: read_vocabulary(folder / name))
    ours_or_nothing(lambda: find_labels((folder,)).search("a", ("artist", "character")))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tags.json", '{"²": "a"}'),
        ("tags.json", "[" * 100_000),
        ("tags.json", '{"' + "9" * 5000 + '": "a"}'),
        ("selected_tags.csv", 'name\n"' + "x" * 200_000 + '"'),
        ("selected_tags.csv", f"tag_id,name,category,count\n1,a,0,{'9' * 5000}"),
        ("danbooru.csv", f"a,0,{'9' * 5000},b\nc,0,²,d"),
    ],
)
def test_labels_that_once_broke_the_reader(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "tags").mkdir()
    for path in (tmp_path / name, tmp_path / "tags" / name):
        path.write_text(content, encoding="utf-8")
    ours_or_nothing(lambda: read_vocabulary(tmp_path / name))
    assert find_labels((tmp_path,)).get("a") is None


@BOUNDS
@given(data=st.data())
def test_the_users_own_files(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("own")
    memory = {
        "version": 1, "corrections": {"hat": {"slot": "clothing"}}, "favourites": [{"text": "a"}],
        "history": [{"text": "b"}], "boxes": {"t": {"pins": ["a"], "off": [{"text": "b", "key": "c"}]}},
    }  # fmt: skip
    (folder / "recipes").mkdir()
    for name, value in (
        ("prompt-memory.json", memory),
        ("panel.json", {"enforced": {"txt2img": True}}),
        ("block_presets.json", {"mine": {"IN04": 0.5}}),
        ("history.jsonl", {"date": "2026-01-01", "file": "m", "recipe": "models: [a, b]"}),
        ("recipes/mine.yaml", {"models": ["a", "b"], "alpha": 0.5}),
    ):
        content = json.dumps(exchanged(data, value)).encode("utf-8")
        (folder / name).write_bytes(spoilt(data, content) if data.draw(st.booleans()) else content)
    remembered, shelf, panel = PromptMemory(folder), RecipeShelf(folder), PanelMemory(folder)
    ours_or_nothing(lambda: json.dumps(remembered.value()))
    ours_or_nothing(lambda: remembered.change(lambda _value: None))
    assert isinstance(panel.enforced("txt2img"), bool)
    assert set(shelf.recipes()) <= {"mine"}
    json.dumps([shelf.block_presets(), shelf.history()])


@BOUNDS
@given(data=st.data())
def test_a_styles_file(data: st.DataObject) -> None:
    content = b'name,prompt,negative_prompt\n"my style","{prompt}, hat","lowres"\nother,"a ""b""",\n'
    ours_or_nothing(lambda: read_styles(spoilt(data, content), "styles.csv"))
