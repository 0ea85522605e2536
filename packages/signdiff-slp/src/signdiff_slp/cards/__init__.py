"""Asset cards: the models and tokenizers that fairseq2 knows by name."""
