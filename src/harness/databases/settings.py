"""The server settings that every provider uses: fast and forgetful data, and the server's own record of statements."""

from __future__ import annotations

from pathlib import Path

MAX_CONNECTIONS = 200
LOG_FOLDER = "log"
LOG_FILE = "postgres.json"

COMMON: dict[str, str] = {
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "128MB",
    # The data is thrown away at the end: nothing has to survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    # The statement record: the extensions are loaded, and switched on for a database when somebody reads them.
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "log_destination": "jsonlog",
    "logging_collector": "on",
    "log_directory": LOG_FOLDER,
    "log_filename": "postgres",  # the suffix .json is PostgreSQL's
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "log_line_prefix": "",
}


def settings(port: int, sockets: Path) -> list[str]:
    """The command line of an embedded server: it listens on the loopback and on a socket in a private folder."""
    own = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(sockets)}
    own["dynamic_shared_memory_type"] = "mmap"  # in the data directory, so that it goes with it, however the server ends
    return arguments({**COMMON, **own})


def arguments(values: dict[str, str]) -> list[str]:
    """Settings as `-c name=value` pairs."""
    return [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
