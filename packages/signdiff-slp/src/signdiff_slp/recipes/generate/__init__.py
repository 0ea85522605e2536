"""Sign the texts of a corpus."""
