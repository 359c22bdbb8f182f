"""Settings of the server: the same for every provider, so that the witness sees the same record everywhere."""

from __future__ import annotations

from pathlib import Path

LOG_NAME = "postgres.json"
PRELOADED = ("pg_stat_statements", "auto_explain")

# For a database whose statements are to be recorded (`Databases.clone(recorded=True)`): each is logged when it ends.
RECORDED = {"log_min_duration_statement": "0"}
# For a database whose query plans are to be recorded as well: each plan is logged as JSON, without timing every node.
PLANNED = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
}


def server_settings(major: int) -> dict[str, str]:
    """Settings of a server whose data is thrown away at the end: nothing waits for a disk."""
    settings = {
        "max_connections": "200",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",  # rows that go into a table of the same transaction are written once, not to the log as well
        "max_wal_senders": "0",
        "checkpoint_timeout": "30min",
        "max_wal_size": "256MB",
        "dynamic_shared_memory_type": "mmap",  # in the data directory: nothing is left behind, and a small /dev/shm is no limit
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if major >= 18:
        settings["io_method"] = "sync"  # the data is in memory: handing each read to another process costs more than the read
    if major >= 16:
        settings["scram_iterations"] = "64"  # passwords are random and live for one run: 4096 would only slow each connection
    return settings


def record_settings(log_folder: Path | str, libraries: tuple[str, ...] = PRELOADED) -> dict[str, str]:
    """Settings that make a record of statements possible. It is switched on per database; by itself only errors are logged.

    Args:
        log_folder: where the server writes `postgres.json`, as the server sees it.
        libraries: those of `PRELOADED` that the server has.
    """
    settings = {
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "log_directory": str(log_folder),
        "log_filename": "postgres.log",  # the JSON log takes the name with .json instead
        "log_file_mode": "0644",
        "log_rotation_age": "0",
        "log_rotation_size": "0",
        "log_parameter_max_length": "-1",
        "log_parameter_max_length_on_error": "-1",
        "log_checkpoints": "off",
        "log_autovacuum_min_duration": "-1",
        "compute_query_id": "on",
        "track_activity_query_size": "16kB",
        "shared_preload_libraries": ",".join(libraries),
    }
    if "pg_stat_statements" in libraries:
        settings |= {"pg_stat_statements.track": "all", "pg_stat_statements.max": "10000"}
    return settings


def as_arguments(settings: dict[str, str]) -> list[str]:
    """Arguments of `postgres`."""
    return [argument for key, value in settings.items() for argument in ("-c", f"{key}={value}")]
