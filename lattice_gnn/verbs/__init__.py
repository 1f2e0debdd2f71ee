"""Top-level functions: ``lattice_gnn.predict``, ``lattice_gnn.homogenise``."""
