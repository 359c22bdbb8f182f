"""Partners: the vendors that work leads."""
