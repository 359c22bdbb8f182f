"""Pure: evidence in, verdict out. One file, one gate; `registry.gates()` finds them."""
