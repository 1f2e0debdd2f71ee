"""Datasets: lattices with labels, on disk and in memory."""
