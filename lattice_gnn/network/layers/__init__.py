"""Layers of the networks, one idea per file."""
