"""Gradient design of lattices: quantities, constraints, variables, optimiser, verification."""
