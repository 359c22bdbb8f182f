"""TOML to typed configuration; every error names the key, what it got and what it wanted."""
