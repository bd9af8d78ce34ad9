"""The installed command: a module each subcommand."""
