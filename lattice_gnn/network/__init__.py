"""The networks: from a batch of lattices to stiffness tensors."""
