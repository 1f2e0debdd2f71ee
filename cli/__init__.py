"""The command ``lattice-gnn``: one file per command, no science."""
