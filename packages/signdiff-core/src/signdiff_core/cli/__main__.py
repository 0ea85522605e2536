"""Run the command as ``python -m signdiff_core.cli``."""

from signdiff_core.cli import main

main()
