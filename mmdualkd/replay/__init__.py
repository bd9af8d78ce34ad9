"""A step that left the finite numbers, kept in a file and run again."""
