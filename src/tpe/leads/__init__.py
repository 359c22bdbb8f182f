"""Leads: a contractor matched with a partner, and the work on that match."""
