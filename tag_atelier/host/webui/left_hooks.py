"""What other extensions left in the UNet when a job of theirs failed. Called by ``sampler`` before it draws.

A benchmark's cells are drawn without other people's scripts, so nobody else would take it out for them.
"""

from __future__ import annotations

import logging
from typing import Any

from modules import scripts

logger = logging.getLogger(__name__)


def take_out_left_hooks() -> None:
    """Let sd-webui-controlnet take its hook out of the UNet, as it does itself at the next job with its script.

    It puts it in for each job and takes it out in ``postprocess``, which a job that fails never reaches (Mikubill/
    sd-webui-controlnet 56cec5b2, scripts/controlnet.py:860, 1199, 1298); until then every picture is steered by it.
    """
    for runner in (scripts.scripts_txt2img, scripts.scripts_img2img):
        for script in getattr(runner, "alwayson_scripts", ()):
            left: Any = getattr(script, "latest_network", None)
            if left is not None and hasattr(left, "restore"):
                logger.warning("'%s' left its hook in the UNet after a job that failed; it is taken out", script.title())
                left.restore()
                script.latest_network = None
