"""The nouns of the harness: frozen data, no input or output."""
