"""The subcommands of ``signdiff-slp``, a module each; their work is imported when they run."""
