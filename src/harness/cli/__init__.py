"""Parse, call, print: the only place that exits."""
