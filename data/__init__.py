"""Reading, generating and labelling lattices; ``data/samples`` has small example files."""
