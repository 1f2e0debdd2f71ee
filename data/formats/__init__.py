"""One file a format: reading and writing what other programs use."""
