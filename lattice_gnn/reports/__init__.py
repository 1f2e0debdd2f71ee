"""Typed documents: what tables, JSON and Python show of the same result."""
