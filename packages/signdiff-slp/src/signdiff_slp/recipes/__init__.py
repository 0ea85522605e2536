"""fairseq2 recipes: train, generate, evaluate."""
