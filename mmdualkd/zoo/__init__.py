"""Models from a name in the model zoo, a config or a checkpoint: students as well as teachers."""
