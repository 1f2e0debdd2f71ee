"""Labelling: stiffness of many lattices by a reference, in parallel and resumable."""
