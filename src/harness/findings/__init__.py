"""Findings over engines and over time: merged, waived, compared with the base. Pure: no file, no clock."""
