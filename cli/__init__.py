"""The command ``lattice-gnn``: one file a command, no science."""
