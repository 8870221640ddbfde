"""The registry of merge methods: one explicit list (filled by the merge room)."""
