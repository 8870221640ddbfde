"""Reads, orders, checks and writes prompts. Standard library and YAML only; never changes a meaning."""
