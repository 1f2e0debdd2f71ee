"""Shared parts of the commands: options, inputs, output, tables."""
