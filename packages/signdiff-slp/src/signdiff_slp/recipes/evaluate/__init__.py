"""Score free decoding on held-out texts."""
