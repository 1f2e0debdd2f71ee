"""Top-level functions: ``lattice_gnn.predict``, ``homogenise`` and ``optimise``."""
