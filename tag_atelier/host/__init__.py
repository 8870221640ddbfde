"""Implementations of the ports. This file imports no host: each door picks its own."""
