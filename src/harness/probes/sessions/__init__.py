"""Tokens, cookies and passwords: what must not open a session, and what must end one."""
