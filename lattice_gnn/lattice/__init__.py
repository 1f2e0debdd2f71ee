"""Lattices: nodes, struts and a periodic cell; topology, geometry and files."""
