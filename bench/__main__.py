"""Prints every figure: `python -m bench [SUBJECT…]`."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys

import bench

_NO_SUBJECT = {"__main__", "stub"}


def main() -> None:
    """Runs the chosen subjects, one after the other: figures of a machine that does two things at once are no figures."""
    subjects = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.ispkg)
    subjects = [name for name in subjects if name not in _NO_SUBJECT]
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure speed and memory; prints figures and how they were obtained."
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"any of {', '.join(subjects)} (default: all)")
    chosen = parser.parse_args().subjects or subjects
    if unknown := sorted(set(chosen) - set(subjects)):
        parser.error(f"there is no {', '.join(unknown)}; choose from {', '.join(subjects)}")
    load = os.getloadavg()[0]
    sys.stdout.write(f"{os.cpu_count()} cores, load average {load:.1f} before the start\n")
    for subject in chosen:
        for name, value, unit, how in importlib.import_module(f"bench.{subject}").figures():
            sys.stdout.write(f"{subject:<10} {name:<64} {value:>10.2f} {unit:<8} {how}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
