"""What every feature stands on: database, errors, headers, limits, health."""
