"""Page objects: what a person sees and does on one page, by role and label, never by the markup's classes."""
