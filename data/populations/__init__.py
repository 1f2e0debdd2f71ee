"""Populations of lattices: crystal-like nets, space groups, variations, identity of nets."""
