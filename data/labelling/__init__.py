"""Labelling: stiffness of many lattices by a reference method, parallel and resumable."""
