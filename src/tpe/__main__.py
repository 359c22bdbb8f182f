"""``python -m tpe``."""

from tpe.cli import run

if __name__ == "__main__":
    run()
