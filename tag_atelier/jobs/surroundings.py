"""What a prompt is drawn with, as far as the host knows without being told. Called for ``{"with": {"live": true}}``."""

from __future__ import annotations

from dataclasses import asdict

from tag_atelier.ports import Host


def surroundings(host: Host, text: str) -> dict[str, object]:
    """Keys of ``prompt.findings.Surroundings``: the host's clip skip, and what the files of the LoRA in ``text`` say."""
    from tag_atelier.jobs.installed import network_facts
    from tag_atelier.prompt.grammar import NETWORK

    written = NETWORK.finditer(text, 0, text.rfind(">") + 1)
    names = {found.group(2).partition(":")[0] for found in written if found.group(1) == "lora"}
    facts = network_facts(host.prompt_files.networks, sorted(names)) if names else {}
    known: dict[str, object] = {"networks": {name: asdict(network) for name, network in facts.items()}}
    clip_skip = host.live_settings().get("clip_skip")
    return {**known, "clip_skip": clip_skip} if isinstance(clip_skip, int) else known
