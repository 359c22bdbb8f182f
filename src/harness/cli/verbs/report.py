"""`harness report RUN [--serve]`."""

from __future__ import annotations

import argparse
import functools
import http.server
import sys

from harness.cli.common import runs_folder
from harness.cli.exits import Exit
from harness.evidence.stored import find_run
from harness.report.write import write_report

_HOST = "127.0.0.1"


def run(args: argparse.Namespace) -> Exit:
    """Writes the report of a judged run again; with `--serve`, serves its folder until Ctrl-C."""
    stored = find_run(args.run, runs_folder(args.runs))
    write_report(stored)
    print(stored.folder / "report" / "index.html")
    if args.serve:
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(stored.folder))
        with http.server.ThreadingHTTPServer((_HOST, 0), handler) as server:
            sys.stderr.write(f"http://{_HOST}:{server.server_address[1]}/report/index.html   (Ctrl-C ends)\n")
            server.serve_forever()
    return Exit.OK
