"""The Power100 verification harness: evidence in, one verdict out."""

__version__ = "0.1.0"
