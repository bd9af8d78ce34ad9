"""Frozen teachers: from a name in the zoo to weights that nothing changes."""
