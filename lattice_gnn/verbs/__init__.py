"""What people type first: ``lattice_gnn.predict``, ``lattice_gnn.homogenise``."""
