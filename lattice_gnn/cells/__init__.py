"""Named unit cells."""
