"""The always-visible panel over ``/sdapi/v1/txt2img``: what it arranges is in picture and infotext, what it refuses is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest

from tests.webui.client import OURS, Client

MESSY = "white hair, sitting, best quality, 1girl, forest, (smile:1.2), school uniform"


def panel(value: object) -> dict[str, object]:
    """The part of a request that speaks to the panel."""
    return {"alwayson_scripts": {"Tag Atelier": {"args": [value]}}}


def by_hand(client: Client, text: str = MESSY) -> str:
    arranged = client.post(f"{OURS}/prompt/arrange", {"text": text, "profile": "aidxl"})["text"]
    assert arranged != text
    return str(arranged)


@pytest.mark.parametrize("written", ["object", "string"])
def test_picture_and_infotext_are_those_of_the_prompt_arranged_by_hand(client: Client, written: str) -> None:
    request: object = {"arrange": True, "profile": "aidxl"}
    drawn = client.draw(MESSY, **panel(json.dumps(request) if written == "string" else request))
    arranged = by_hand(client)
    plain = client.draw(arranged)
    assert drawn.infotext.splitlines()[0] == arranged
    assert "Tag Atelier profile: aidxl" in drawn.infotext
    assert drawn.pixels == plain.pixels != client.draw(MESSY).pixels


@pytest.mark.parametrize("fields", [{}, panel({"enabled": False}), panel("")], ids=["absent", "off", "empty"])
def test_nothing_happens_unless_it_is_switched_on(client: Client, fields: Mapping[str, object]) -> None:
    drawn = client.draw(MESSY, **fields)
    assert drawn.infotext.splitlines()[0] == MESSY
    assert "Tag Atelier" not in drawn.infotext


def test_every_image_of_a_job_is_arranged(client: Client) -> None:
    drawn = client.draw_all(MESSY, batch_size=2, n_iter=2, **panel({}))
    images = [picture for picture in drawn if picture.image().size == (64, 64)]
    assert len(images) == 4 and len({picture.pixels for picture in images}) == 4
    assert {picture.infotext.splitlines()[0] for picture in images} == {by_hand(client)}


def test_the_second_pass_is_arranged_too(client: Client) -> None:
    drawn, plain = client.draw(MESSY, **client.hires, **panel({})), client.draw(by_hand(client), **client.hires)
    assert drawn.image().size == (128, 128) and drawn.pixels == plain.pixels


def test_img2img_is_arranged(client: Client) -> None:
    start = base64.b64encode(client.draw().png).decode()
    job = {"prompt": MESSY, "init_images": [start], "seed": 1, "steps": 4, "width": 64, "height": 64, "sampler_name": "Euler"}
    answer = client.post("/sdapi/v1/img2img", {**job, **panel({})})
    assert json.loads(answer["info"])["infotexts"][0].splitlines()[0] == by_hand(client)


@pytest.mark.only("a1111", "reforge", reason="Forge's API cannot read any infotext: its own fields of lists raise a TypeError")
def test_presets_are_added_and_pasting_the_infotext_back_adds_nothing_more(client: Client) -> None:
    first = client.draw(MESSY, **panel({"quality": "default", "negative_preset": "default"}))
    assert "Negative prompt: " in first.infotext and "Tag Atelier quality: best" in first.infotext
    again = client.request("POST", "/sdapi/v1/txt2img", {"infotext": first.infotext})
    assert again.status == 200
    assert json.loads(again.json()["info"])["infotexts"][0] == first.infotext
    assert base64.b64decode(again.json()["images"][0]) == first.png


def test_a_prompt_whose_meaning_would_change_stays_as_it_is(client: Client) -> None:
    text = "[white hair:1girl:0.5], best quality, BREAK, forest, 1girl"
    drawn = client.draw(text, **panel({}))
    assert drawn.infotext.splitlines()[0] == client.post(f"{OURS}/prompt/arrange", {"text": text})["text"]
    assert drawn.infotext.splitlines()[0].startswith("[white hair:1girl:0.5]")


REFUSED = {
    "unknown key": ({"arange": True}, ("arange", "arrange")),
    "malformed JSON": ("{", ("JSON",)),
    "no object": ("[1, 2]", ("a list", "object")),
    "a number": (7, ("a number", "object")),
    "wrong type": ({"arrange": "yes"}, ("'arrange'", "true or false")),
    "unknown method": ({"merge": {"models": ["a", "b"], "method": "magic", "alpha": 0.5}}, ("magic", "weighted_sum")),
    "unknown model": ({"merge": {"models": ["nobody", "nothing"], "alpha": 0.5}}, ("nobody",)),
}


@pytest.mark.parametrize(("value", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_argument_stops_the_job_with_one_sentence(client: Client, value: object, named: tuple[str, ...]) -> None:
    before = client.weights()
    answer = client.try_draw(MESSY, **panel(value))
    assert 400 <= answer.status < 500, answer.body
    sentence = answer.json()["detail"]
    assert all(word in sentence for word in named), sentence
    assert "\n" not in sentence and "Traceback" not in sentence
    assert client.weights() == before
    assert client.draw(MESSY).infotext.splitlines()[0] == MESSY
