"""Typed documents: results as shown by tables, JSON and Python alike."""
