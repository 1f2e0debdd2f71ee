"""Training: loop, losses, evaluation, distributed runs."""
