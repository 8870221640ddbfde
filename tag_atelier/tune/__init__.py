"""Search over merge weights; the only user of both bench and merge."""
