"""Network files (LoRA, LoCon, LoHa, LoKr, DoRA, OFT …): which layer of the file changes which tensor of the checkpoint.

Called by plan; what a layer does is lora_formulas'. Reads headers only and loads without torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tag_atelier.errors import CheckpointError, say, say_all
from tag_atelier.merge.header import Header, TensorEntry
from tag_atelier.merge.key_names import TEXT_ENCODERS, THIRDS, UNET, Part, open_clip_names, unet_to_diffusers

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One layer of a network file and the tensor it changes."""

    key: str
    """The checkpoint's tensor."""
    part: Part
    """``whole``, or which third of OpenCLIP's joined matrix."""
    kind: str
    """One of ``KINDS``, or ``bias``."""
    tensors: Mapping[str, TensorEntry]
    """The layer's own tensors by their last names (``lora_up.weight``, ``alpha`` …)."""


@dataclass(frozen=True)
class NetworkUse:
    """A layer at work in one tensor of the result."""

    network: int
    """Index into ``MergePlan.networks``."""
    layer: Layer
    strength: float


KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lora", ("lora_up.weight", "lora_down.weight")),
    ("hada", ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")),
    ("ia3", ("weight", "on_input")),
    ("lokr", ("lokr_w1", "lokr_w2")),
    ("lokr", ("lokr_w1", "lokr_w2_a", "lokr_w2_b")),
    ("lokr", ("lokr_w1_a", "lokr_w1_b", "lokr_w2")),
    ("lokr", ("lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b")),
    ("full", ("diff",)),
    ("norm", ("w_norm", "b_norm")),
    ("glora", ("a1.weight", "a2.weight", "b1.weight", "b2.weight")),
    ("oft", ("oft_blocks",)),
    ("oft", ("oft_diag",)),
)
"""Kind → tensors that it is known by. Source: the WebUI's extensions-builtin/Lora, which takes the same ones."""

_BESIDE = ("lora_mid.weight", "hada_t1", "hada_t2", "lokr_t2", "diff_b", "rescale", "alpha", "scale", "dora_scale", "bias")
_RENAMED = {"lora_A.weight": "lora_down.weight", "lora_B.weight": "lora_up.weight"}
"""PEFT's names."""
_PARAMETERS = sorted({*_BESIDE, *_RENAMED, *(name for _, names in KINDS for name in names)}, key=len, reverse=True)
_PREFIXES = (
    (r"(?:oft_unet_|lycoris_unet_|unet_|diffusion_model_)", "lora_unet_"),
    (r"(?:lora_te1_|lora_te_|text_encoder_(?!2_)|te1_)", "lora_te_"),
    (r"(?:text_encoder_2_|te2_)", "lora_te2_"),
)
"""How other tools begin a layer's name → how ours does."""
_EMBEDDINGS = "bundle_emb."


def read_layers(header: Header, checkpoint: Mapping[str, TensorEntry], architecture: str) -> tuple[list[Layer], list[str]]:
    """What the network file changes in a checkpoint with these tensors, and sentences about what of it is left out.

    Raises:
        CheckpointError: it holds no network, none of its layers is in the checkpoint, or they are of another size.
    """
    name = header.path.name
    found = _grouped(header)
    if not found:
        raise CheckpointError("'{name}' holds no network that is known; expected LoRA, LoHa, LoKr, OFT or the like.", name=name)
    targets = dict(_targets(checkpoint, architecture))
    layers: list[Layer] = []
    lost: list[str] = []
    for layer_name, tensors in found.items():
        target = targets.get(layer_name)
        if target is None:
            lost.append(layer_name)
        else:
            layers += _layers(name, layer_name, *target, tensors, checkpoint)
    if not layers:
        raise CheckpointError(
            "'{name}' changes nothing here: none of its {count} layers, such as '{key}', is in the first model; "
            "expected a network for the same architecture.",
            name=name,
            count=len(found),
            key=lost[0],
        )
    notes: list[str] = []
    if lost:
        template = "{count} layers of '{name}', such as '{layer}', are not in the first model and left out."
        notes.append(say(template, count=len(lost), name=name, layer=lost[0]))
    if any(key.startswith(_EMBEDDINGS) for key in header.tensors):
        notes.append(say("'{name}' carries embeddings, which a checkpoint cannot hold; they are left out.", name=name))
    return layers, notes


def _grouped(header: Header) -> dict[str, dict[str, TensorEntry]]:
    """Layer (kohya's way of writing it) → its tensors by their last names."""
    found: dict[str, dict[str, TensorEntry]] = {}
    for key, entry in header.tensors.items():
        parameter = next((each for each in _PARAMETERS if key.endswith(f".{each}")), None)
        if parameter is None or key.startswith(_EMBEDDINGS):
            continue
        layer = key[: -len(parameter) - 1].replace(".", "_")
        for theirs, ours in _PREFIXES:
            layer = re.sub(rf"^{theirs}", ours, layer)
        found.setdefault(layer, {})[_RENAMED.get(parameter, parameter)] = entry
    return found


def _targets(checkpoint: Mapping[str, TensorEntry], architecture: str) -> Iterator[tuple[str, tuple[str, Part]]]:
    """Every name that a layer may have in a file → the tensor it changes."""
    text = TEXT_ENCODERS[architecture]
    for key in checkpoint:
        block = next((block for block, prefix in text.items() if key.startswith(prefix)), None)
        if key.startswith(UNET) and key.endswith(".weight"):
            own = key.removeprefix(UNET)
            for name in (own, unet_to_diffusers(own)):
                yield f"lora_unet_{_flat(name)}", (key, "whole")
        elif block == "CLIP_L" and key.endswith(".weight"):
            yield f"lora_te_{_flat(key.removeprefix(text[block]))}", (key, "whole")
        elif block == "CLIP_G":
            for part, name in open_clip_names(key.removeprefix(text[block])):
                if part in ("whole", *THIRDS) and name.endswith(".weight"):
                    yield f"lora_te2_{_flat(name)}", (key, part)


def network_names(key: str, architecture: str) -> list[tuple[str, Part]]:
    """Names that kohya's trainer gives the layers of the checkpoint's tensor ``key``, with the part each one changes.

    >>> network_names("model.diffusion_model.middle_block.1.proj_in.weight", "sdxl")
    [('lora_unet_middle_block_1_proj_in', 'whole')]
    """
    entry = TensorEntry("F32", (), 0, 0)
    names = [(name, part) for name, (_, part) in _targets({key: entry}, architecture)]
    if key.startswith(UNET):
        return names[:1] if architecture == "sdxl" else names[1:]
    is_first = architecture == "sdxl"
    return [(re.sub(r"^lora_te_", "lora_te1_", name) if is_first else name, part) for name, part in names]


def _flat(name: str) -> str:
    return name.removesuffix(".weight").replace(".", "_")


def _layers(
    file: str, name: str, key: str, part: Part, tensors: Mapping[str, TensorEntry], checkpoint: Mapping[str, TensorEntry]
) -> Iterator[Layer]:
    """The layer itself, and what it does to the bias beside its weight."""
    kind = next((kind for kind, needed in KINDS if all(each in tensors for each in needed)), None)
    shape = checkpoint[key].shape
    if part in THIRDS:
        shape = (shape[0] // len(THIRDS), *shape[1:])
    if kind is None or not _fits(kind, tensors, shape):
        raise CheckpointError(
            "'{file}' does not fit: its layer '{name}' is {shape} and the first model's tensor {own_shape}; expected "
            "a network for the same architecture.",
            file=file,
            name=name,
            shape=_spoken(tensors),
            own_shape="×".join(map(str, shape)),
        )
    yield Layer(key, part, kind, tensors)
    bias = f"{key.removesuffix('.weight')}.bias"
    added = tensors.get("diff_b") or tensors.get("b_norm")
    if (
        added is not None
        and part == "whole"
        and bias in checkpoint
        and math.prod(checkpoint[bias].shape) == math.prod(added.shape)
    ):
        yield Layer(bias, "whole", "bias", {"bias": added})


def _spoken(tensors: Mapping[str, TensorEntry]) -> str:
    shapes = {name: "×".join(map(str, entry.shape)) or say("a number") for name, entry in tensors.items()}
    return say_all([say("{name} {shape}", name=name, shape=shape) for name, shape in shapes.items()], " + ")


def _fits(kind: str, tensors: Mapping[str, TensorEntry], shape: Shape) -> bool:
    """Whether what the layer computes has the shape of the tensor, or of its first input channels (inpainting models)."""
    shapes = {name: entry.shape for name, entry in tensors.items()}
    if any(0 in each for each in shapes.values()) or not shape:
        return False
    count = math.prod(shape)
    try:
        made = _COUNTS[kind](shapes, shape) if _fit_beside(shapes, shape) else -1
    except IndexError:
        return False
    inputs = shape[1] if len(shape) == 4 else 1
    return made == count or (kind in ("lora", "full") and made < count and made % (count // inputs) == 0)


def _fit_beside(shapes: Mapping[str, Shape], shape: Shape) -> bool:
    """Whether the numbers and vectors beside the matrices have the sizes that the formulas take."""
    numbers = [shapes[name] for name in ("alpha", "scale", "on_input") if name in shapes]
    magnitude, rescale = shapes.get("dora_scale"), shapes.get("rescale", shape[:1])
    by_row = magnitude is not None and len(magnitude) > 1 and magnitude[0] == math.prod(magnitude) == shape[0]
    by_column = magnitude is None or (len(shape) > 1 and math.prod(magnitude) == shape[1])
    return all(math.prod(each) == 1 for each in numbers) and (by_row or by_column) and math.prod(rescale) == shape[0]


def _of_lora(shapes: Mapping[str, Shape], shape: Shape) -> int:
    up, down, mid = shapes["lora_up.weight"], shapes["lora_down.weight"], shapes.get("lora_mid.weight")
    if mid is None:
        return up[0] * math.prod(down[1:]) if math.prod(up[1:]) == down[0] else -1
    if len(mid) != 4 or mid[:2] != (math.prod(up[1:]), down[0]):
        return -1
    return up[0] * math.prod(down[1:]) * math.prod(mid[2:])


def _of_hada(shapes: Mapping[str, Shape], shape: Shape) -> int:
    counts = []
    for number in "12":
        a, b, t = shapes[f"hada_w{number}_a"], shapes[f"hada_w{number}_b"], shapes.get(f"hada_t{number}")
        if len(a) != 2 or (t is None and a[1] != b[0]):
            return -1
        if t is not None and (len(b) != 2 or len(t) != 4 or t[:2] != (a[0], b[0])):
            return -1
        counts.append(a[0] * math.prod(b[1:]) if t is None else a[1] * b[1] * math.prod(t[2:]))
    return counts[0] if counts[0] == counts[1] else -1


def _of_lokr(shapes: Mapping[str, Shape], shape: Shape) -> int:
    def factor(name: str) -> Shape:
        if name in shapes:
            return shapes[name]
        a, b, t = shapes[f"{name}_a"], shapes[f"{name}_b"], shapes.get("lokr_t2") if name == "lokr_w2" else None
        if t is not None and (t[:2] != (a[0], b[0]) or (len(a), len(b), len(t)) != (2, 2, 4)):
            raise IndexError
        if t is None and (len(a) != 2 or a[1] != b[0]):
            raise IndexError
        return (a[0], math.prod(b[1:])) if t is None else (a[1], b[1], *t[2:])

    first, second = factor("lokr_w1"), factor("lokr_w2")
    is_conv = len(second) == 4 and len(shape) == 4
    if len(first) != 2 or not (len(second) == 2 or is_conv) or first[0] * second[0] != shape[0]:
        return -1
    return math.prod(first) * math.prod(second)


def _of_ia3(shapes: Mapping[str, Shape], shape: Shape) -> int:
    return math.prod(shape) if math.prod(shapes["weight"]) in shape[:2] else -1


def _of_glora(shapes: Mapping[str, Shape], shape: Shape) -> int:
    (a1, a2), (b1, b2) = ((shapes[f"{letter}1.weight"], shapes[f"{letter}2.weight"]) for letter in "ab")
    if len(shape) != 2 or a1[::-1] != a2 or a1[1:] != shape[1:] or b1[1:] != shape[1:] or b2 != (shape[0], b1[0]):
        return -1
    return math.prod(shape)


def _of_oft(shapes: Mapping[str, Shape], shape: Shape) -> int:
    blocks = shapes["oft_blocks" if "oft_blocks" in shapes else "oft_diag"]
    is_square = len(blocks) in (3, 4) and blocks[-1] == blocks[-2]
    if len(blocks) == 4 and (blocks[-1] % 2 or shape[0] % (2 ** blocks[0] * (blocks[-1] // 2))):
        return -1
    return math.prod(shape) if is_square and blocks[-3] * blocks[-1] == shape[0] else -1


_COUNTS: Mapping[str, Callable[[Mapping[str, Shape], Shape], int]] = {
    "lora": _of_lora,
    "hada": _of_hada,
    "lokr": _of_lokr,
    "ia3": _of_ia3,
    "glora": _of_glora,
    "oft": _of_oft,
    "full": lambda shapes, shape: math.prod(shapes["diff"]),
    "norm": lambda shapes, shape: math.prod(shapes["w_norm"]),
}
"""Kind → how many values the layer computes; −1 where its own tensors do not fit each other."""
