"""SDXL's two text encoders with trainable tensors under their checkpoint names, for any width and layer count.

Used by the training scripts only. Source: Radford et al. 2021 (CLIP), section 2.4; hidden layers as SDXL reads them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tag_atelier.world.anatomy import POSITIONS, VOCABULARY_SIZE, head_count
from tag_atelier.world.clip_vocabulary import END_ID
from tag_atelier.world.training.attention import mixed


def _mixed(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention of (N, 77, width) triples."""
    return mixed(query, key, value, head_count(query.shape[-1]), causal=True)


class _ClipAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, signal: Tensor) -> Tensor:
        result: Tensor = self.out_proj(_mixed(self.q_proj(signal), self.k_proj(signal), self.v_proj(signal)))
        return result


class _ClipLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn, self.layer_norm1, self.layer_norm2 = _ClipAttention(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, signal: Tensor) -> Tensor:
        signal = signal + self.self_attn(self.layer_norm1(signal))
        hidden = self.mlp["fc1"](self.layer_norm2(signal))
        result: Tensor = signal + self.mlp["fc2"](hidden * torch.sigmoid(1.702 * hidden))
        return result


class ClipText(nn.Module):
    """The first encoder; names below ``…transformer.text_model.``."""

    def __init__(self, width: int, layers: int, rows: int = VOCABULARY_SIZE) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "token_embedding": nn.Embedding(rows, width),
                "position_embedding": nn.Embedding(POSITIONS, width),
            }
        )
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(_ClipLayer(width) for _ in range(layers))})
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor) -> Tensor:
        """(N, 77) → (N, 77, width): what the last layer but one says."""
        hidden = self.embeddings["token_embedding"](ids) + self.embeddings["position_embedding"].weight
        for layer in list(self.encoder["layers"].children())[:-1]:
            hidden = layer(hidden)
        result: Tensor = hidden
        return result


class _OpenAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, signal: Tensor) -> Tensor:
        joined = functional.linear(signal, self.in_proj_weight, self.in_proj_bias)
        result: Tensor = self.out_proj(_mixed(*joined.chunk(3, dim=-1)))
        return result


class _OpenLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn, self.ln_1, self.ln_2 = _OpenAttention(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, signal: Tensor) -> Tensor:
        signal = signal + self.attn(self.ln_1(signal))
        result: Tensor = signal + self.mlp["c_proj"](functional.gelu(self.mlp["c_fc"](self.ln_2(signal))))
        return result


class OpenClipText(nn.Module):
    """The second encoder; names below ``conditioner.embedders.1.model.``."""

    def __init__(self, width: int, layers: int, rows: int = VOCABULARY_SIZE) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(POSITIONS, width) * 0.02)
        self.token_embedding = nn.Embedding(rows, width)
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList(_OpenLayer(width) for _ in range(layers))})
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.randn(width, width) * width**-0.5)

    def forward(self, ids: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 77) and the end marks' places (N,) → (N, 77, width) before the last layer, and the pooled (N, width)."""
        hidden = self.token_embedding(ids) + self.positional_embedding
        layers = list(self.transformer["resblocks"].children())
        for layer in layers[:-1]:
            hidden = layer(hidden)
        last = layers[-1](hidden)[torch.arange(len(ids)), ends]
        return hidden, self.ln_final(last) @ self.text_projection


class TextEncoders(nn.Module):
    """Both, as the UNet is conditioned on them. Their tables hold the rows of ``known`` tokens only; see ``whole``."""

    known: Tensor
    row_of: Tensor

    def __init__(self, clip_width: int, bigg_width: int, layers: int, known: Tensor) -> None:
        super().__init__()
        self.clip, self.bigg = ClipText(clip_width, layers, len(known)), OpenClipText(bigg_width, layers, len(known))
        nn.init.normal_(self.clip.get_parameter("embeddings.position_embedding.weight"), std=0.02)
        for name, encoder in (("embeddings.token_embedding.weight", self.clip), ("token_embedding.weight", self.bigg)):
            nn.init.normal_(encoder.get_parameter(name), std=0.5)
        row_of = torch.zeros(VOCABULARY_SIZE, dtype=torch.long)
        row_of[known] = torch.arange(len(known))
        self.register_buffer("known", known)
        self.register_buffer("row_of", row_of, persistent=False)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (N, 77), end marks behind the end → (N, 77, both widths) and the pooled (N, bigg width)."""
        ended = ids == END_ID
        behind = ended.cumsum(dim=1) > 1
        hidden, pooled = self.bigg(self.row_of[ids.masked_fill(behind, 0)], ended.int().argmax(dim=1))
        return torch.cat([self.clip(self.row_of[ids]), hidden], dim=-1), pooled

    def whole(self, rows: Tensor) -> Tensor:
        """A token table (known, width) with CLIP's 49,408 rows; those of unknown tokens are zero."""
        table = torch.zeros(VOCABULARY_SIZE, rows.shape[1])
        table[self.known] = rows.float()
        return table
