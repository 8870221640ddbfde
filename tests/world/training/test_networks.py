"""The networks in training have SDXL's tensors, and the autoencoder's latents can be levelled."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tag_atelier.world.anatomy import UNetAnatomy, clip_shapes, open_clip_shapes, unet_shapes, vae_shapes  # noqa: E402
from tag_atelier.world.clip_vocabulary import END_ID, START_ID  # noqa: E402
from tag_atelier.world.training.attention import mixed  # noqa: E402
from tag_atelier.world.training.text import ClipText, OpenClipText, TextEncoders  # noqa: E402
from tag_atelier.world.training.unet import UNet  # noqa: E402
from tag_atelier.world.training.vae import Autoencoder  # noqa: E402

ANATOMY = UNetAnatomy(32, (1, 2, 2), (0, 1, 1), 1, 48, linear_projection=True, vector=40)


def shapes(network: object) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}  # type: ignore[attr-defined]


def test_names_and_shapes_are_a_checkpoints() -> None:
    assert shapes(UNet(ANATOMY)) == dict(unet_shapes(ANATOMY))
    assert shapes(Autoencoder(32, (1, 1, 2, 2))) == dict(vae_shapes(32, (1, 1, 2, 2)))
    expected = dict(clip_shapes(32, 2))
    del expected["embeddings.position_ids"]
    assert shapes(ClipText(32, 2)) == expected
    expected = dict(open_clip_shapes(32, 2))
    del expected["logit_scale"]
    assert shapes(OpenClipText(32, 2)) == expected


def test_attention_is_torchs_own() -> None:
    torch.manual_seed(1)
    query, key, value = torch.randn(2, 5, 16), torch.randn(2, 5, 16), torch.randn(2, 5, 16)
    heads = [one.reshape(2, 5, 2, 8).transpose(1, 2) for one in (query, key, value)]
    for causal in (False, True):
        expected = torch.nn.functional.scaled_dot_product_attention(*heads, is_causal=causal)
        ours = mixed(query, key, value, 2, causal)
        assert torch.allclose(ours, expected.transpose(1, 2).reshape(2, 5, 16), atol=1e-5)


def test_levelled_latents_decode_as_before() -> None:
    torch.manual_seed(1)
    network = Autoencoder(32, (1, 1, 1, 1)).eval()
    pictures = torch.randn(6, 3, 32, 32)
    with torch.inference_mode():
        before = network.encode(pictures)[0]
        shown = network.decode(before)
    network.level_latents(before.clone(), 3.0)
    with torch.inference_mode():
        after = network.encode(pictures)[0]
        assert torch.allclose(network.decode(after), shown, atol=1e-3)
    flat = after.transpose(0, 1).flatten(1)
    assert torch.allclose(torch.cov(flat), 9 * torch.eye(4), atol=0.05)
    assert flat.mean(1).abs().max() < 0.01


def test_text_behind_a_token_does_not_change_what_stands_before_it() -> None:
    torch.manual_seed(1)
    known = torch.tensor([0, 5, 6, START_ID, END_ID])
    encoders = TextEncoders(32, 48, 2, known).eval()
    ids = torch.full((2, 77), END_ID)
    ids[:, 0], ids[0, 1], ids[1, 1:3] = START_ID, 5, torch.tensor([5, 6])
    with torch.inference_mode():
        hidden, pooled = encoders(ids)
    assert hidden.shape == (2, 77, 80) and pooled.shape == (2, 48)
    assert torch.allclose(hidden[0, :2], hidden[1, :2], atol=1e-6)
    assert not torch.allclose(pooled[0], pooled[1], atol=1e-3)
    table = encoders.whole(encoders.clip.get_parameter("embeddings.token_embedding.weight").detach())
    assert table.shape == (49408, 32) and int((table != 0).any(dim=1).sum()) == 5
