"""Whether the programs that a target's commands name are there, before anything is started."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

from harness.model.target import Target


def missing_programs(target: Target) -> tuple[str, ...]:
    """One sentence for each command whose program is not there now (one command may still build what the next one starts)."""
    commands = dataclasses.asdict(target.commands)
    return tuple(
        f"{key}: there is no program {program}" + (f" in {target.folder}" if "/" in program else "")
        for key, command in commands.items()
        if (program := _program(command)) and not _is_there(program, target)
    )


def _program(command: tuple[str, ...]) -> str:
    """The program that a command starts, behind `env NAME=value …`; "" where that cannot be told from its words."""
    words = list(command)
    if words[:1] == ["env"]:
        words = [word for word in words[1:] if "=" not in word]
    return words[0] if words and not words[0].startswith(("-", "{")) else ""


def _is_there(program: str, target: Target) -> bool:
    if "/" in program:
        found = target.folder / Path(program)
        return found.is_file() and os.access(found, os.X_OK)
    return "PATH" in target.variables or shutil.which(program) is not None
