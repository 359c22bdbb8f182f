"""ZAP's image in a container, through testcontainers; a process of ours removes it when this one is gone."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from harness.databases import reaper
from harness.engines.zap.source import ZapSource
from harness.evidence.files import write_atomic
from harness.evidence.redaction import redact
from harness.model.errors import EngineError
from harness.processes import keep

LABEL = "org.power100.harness.zap"
_MEMORY_BESIDE_HEAP_MB = 1024  # code, threads and a browser
_PROCESSES_MAX = 2048
_STOP_GRACE_S = 15.0
_QUOTED_CHARACTERS = 600


@contextmanager
def container(
    source: ZapSource, command: Sequence[str], files: Mapping[Path, Path], log: Path, memory_mb: int
) -> Iterator[Callable[[], None]]:
    """Runs the image; what it gives writes the log as far as it is, and that is done at the end too.

    Args:
        files: file here → where the container sees it, read only.

    Raises:
        EngineError: the engine does not start it; nothing is left behind.
    """
    assert source.engine is not None
    os.environ.setdefault("DOCKER_HOST", source.engine.address)
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # its reaper needs an image of its own from a registry
    label = f"{LABEL}={secrets.token_hex(8)}"
    kept = keep(
        [sys.executable, "-I", "-S", str(Path(reaper.__file__)), source.engine.address, label],
        folder=Path("/"),
        log=log.with_name("zap-reaper.log"),
        environ={"PATH": os.environ.get("PATH", os.defpath)},
        grace_s=_STOP_GRACE_S,
    )
    made = None
    try:
        made = _started(source, command, files, label, memory_mb)
        yield partial(_keep_log, made, log)
    finally:
        if made is not None:
            _keep_log(made, log)
        kept.stop()  # removes the container by its label
        if made is not None:
            made.get_docker_client().client.close()


def _started(source: ZapSource, command: Sequence[str], files: Mapping[Path, Path], label: str, memory_mb: int) -> Any:
    from docker.errors import DockerException
    from requests import RequestException
    from testcontainers.core.container import DockerContainer

    name, _, value = label.partition("=")
    limits = {"mem_limit": f"{memory_mb + _MEMORY_BESIDE_HEAP_MB}m", "pids_limit": _PROCESSES_MAX}
    made: Any = DockerContainer(source.where).with_command(list(command))
    made.with_kwargs(labels={name: value}, network_mode="host", **limits)
    for here, there in files.items():
        made.with_volume_mapping(str(here), str(there), "ro")
    try:
        made.start()
    except (DockerException, RequestException) as error:
        said = redact((str(error).strip() or type(error).__name__).splitlines()[0][:_QUOTED_CHARACTERS])
        raise EngineError(f"{source.where} did not start: {said}", hint="docker run it by hand to see why") from error
    return made


def _keep_log(made: Any, log: Path) -> None:
    from docker.errors import DockerException

    with suppress(DockerException):
        wrapped = made.get_wrapped_container()
        write_atomic(log, redact(wrapped.logs().decode(errors="replace")))
