"""Drawings: struts in space become a periodic lattice."""
