"""The reference solvers that judge the network: finite elements for periodic strut lattices."""
