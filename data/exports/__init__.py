"""Exports: material cards and fields for other programs."""
