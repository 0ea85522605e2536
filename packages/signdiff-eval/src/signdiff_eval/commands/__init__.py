"""The subcommands of ``signdiff-eval``."""
