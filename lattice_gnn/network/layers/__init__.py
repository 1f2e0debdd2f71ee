"""Parts of the network, one idea a file."""
