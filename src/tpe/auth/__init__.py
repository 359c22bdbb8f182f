"""Who is asking: passwords, bearer tokens, page sessions, the guards of routes."""
