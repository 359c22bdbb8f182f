"""Browser flows: what people come for, walked in a real browser."""
