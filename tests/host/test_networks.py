"""Taking LoRA out of the loaded weights on reForge, whose patchers keep what they replaced."""

from __future__ import annotations

from types import SimpleNamespace

from tag_atelier.host.webui.networks import take_out


class Patcher:
    """Puts its backup back when it is detached."""

    def __init__(self, **backup: float) -> None:
        self.backup = backup
        self.detached = 0

    def detach(self) -> None:
        self.detached += 1
        self.backup.clear()


def test_only_patched_networks_are_detached_and_the_next_job_patches_anew() -> None:
    unet, text = Patcher(weight=1.0), Patcher()
    clip = SimpleNamespace(patcher=text)
    original = SimpleNamespace(unet=unet, clip=clip)
    original.shallow_copy = lambda: SimpleNamespace(unet=unet, clip=clip)
    with_lora = SimpleNamespace(unet=Patcher(), clip=clip)
    model = SimpleNamespace(
        forge_objects=with_lora,
        forge_objects_original=original,
        forge_objects_after_applying_lora=with_lora,
        current_lora_hash="[['a.safetensors', 1.0, 1.0]]",
    )
    take_out(model)
    assert (unet.detached, text.detached) == (1, 0)
    assert model.current_lora_hash == "[]"
    assert model.forge_objects.unet is unet and model.forge_objects_after_applying_lora.unet is unet
    take_out(model)
    assert unet.detached == 1
