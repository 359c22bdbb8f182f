"""What the platform tells people outside of its pages."""
