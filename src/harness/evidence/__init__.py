"""The run folder: atomic writes, digests, redaction, and the records that suites leave."""
