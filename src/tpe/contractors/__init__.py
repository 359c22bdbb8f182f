"""Contractors: who is matched with partners."""
