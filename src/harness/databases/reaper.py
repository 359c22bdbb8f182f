"""Waits for SIGTERM and then removes the containers that carry a label. Run as a script by a keeper, which outlives the harness.

Arguments: the engine's address, the label as `key=value`. Standard library only, so that it starts at once.
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sys
from contextlib import closing
from urllib.parse import quote, urlsplit

_TIMEOUT_S = 8.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)


def remove_labelled(address: str, label: str) -> int:
    """Removes every container with the label, running or not, with its volumes; how many."""
    filters = quote(json.dumps({"label": [label]}))
    found = json.loads(_ask(address, "GET", f"/containers/json?all=1&filters={filters}") or b"[]")
    for container in found:
        _ask(address, "DELETE", f"/containers/{container['Id']}?force=1&v=1")
    return len(found)


def _ask(address: str, method: str, path: str) -> bytes:
    parts = urlsplit(address)
    host = parts.netloc
    connection = _UnixConnection(parts.path) if parts.scheme == "unix" else http.client.HTTPConnection(host, timeout=_TIMEOUT_S)
    with closing(connection):
        connection.request(method, path)
        return connection.getresponse().read()


def main() -> int:
    """Waits, then removes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    signal.sigwait([signal.SIGTERM])
    remove_labelled(sys.argv[1], sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
