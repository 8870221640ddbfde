"""Block-weight merge: recipe → plan (headers only) → stream to a file, or live into the loaded model."""
