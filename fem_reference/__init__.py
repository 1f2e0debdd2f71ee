"""Reference solvers: finite elements for periodic strut lattices."""
