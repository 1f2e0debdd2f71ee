"""What the commands share: options, inputs, output, tables."""
