"""The miniature world: tiny checkpoints, LoRA files and a tagger, made by code for demo and tests."""
