"""Training: loop, losses, metrics of a run, several processes."""
