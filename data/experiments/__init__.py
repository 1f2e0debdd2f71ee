"""Experiments: training recipes, reference sets, and the comparison of models."""
