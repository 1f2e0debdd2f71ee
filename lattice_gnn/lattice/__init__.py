"""The lattice: nodes, struts and a periodic cell, its topology, geometry and files."""
