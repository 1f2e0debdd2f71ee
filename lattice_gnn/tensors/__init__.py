"""Tensor algebra of elasticity: notation, moduli, symmetry, bounds, metrics."""
