"""The database as a witness: the server's own record of statements, read while requests are sent, and what it proves."""
