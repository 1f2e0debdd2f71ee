"""Reading, making and labelling lattices; small sample files lie in ``data/samples``."""
