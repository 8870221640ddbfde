"""Tag Atelier: prompt builder, rare-tag benchmark and block-weight merge for anime SDXL checkpoints.

The WebUI imports this package at start; keep it free of torch, numpy, PIL and onnxruntime.
"""

__version__ = "0.1.0"
