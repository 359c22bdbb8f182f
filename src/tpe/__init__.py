"""The Power100 Experience, reference platform: contractors, partners and their leads."""

__version__ = "0.1.0"
