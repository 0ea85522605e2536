"""Every command that writes, killed at random moments, and run again to the end: nothing is lost, nothing is left."""
