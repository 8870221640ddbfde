"""The miniature world: tiny checkpoints and a tiny tagger made by code, shared by demo and tests."""
