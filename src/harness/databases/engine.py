"""Whether a Docker engine answers, and which PostgreSQL image it holds; asked over its socket, without loading a client."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from harness.databases.binaries import package_binaries
from harness.model.errors import PreflightError

IMAGE_VARIABLE = "HARNESS_POSTGRES_IMAGE"
HOST_VARIABLE = "DOCKER_HOST"
IMAGE = "postgres:18.6"  # of the official repository; raised by hand, never `latest`
LOCAL_REPOSITORY = "power100-harness/postgres"
LOCAL_REVISION = 1  # of the recipe in image.py: raised when that changes, so that an old image is not taken for a new one
_TIMEOUT_S = 5.0
_IMPORT_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Engine:
    """An engine that answered."""

    address: str  # unix:///var/run/docker.sock or tcp://host:port
    version: str

    def get(self, path: str) -> Any:
        """The answer to a GET of the engine's interface as JSON; `None` where it is not 200."""
        with _client(self.address) as client:
            answer = client.get(path)
        return answer.json() if answer.status_code == 200 else None

    def import_image(self, archive: Path, image: str, changes: Mapping[str, str]) -> None:
        """Makes an image of one layer from a tar archive, as `docker import` does; `changes` are Dockerfile instructions.

        Raises:
            PreflightError: the engine refuses; its answer is quoted.
        """
        repository, _, tag = image.rpartition(":")
        lines = [f"{instruction} {value}" for instruction, value in changes.items()]
        query: dict[str, str | list[str]] = {"fromSrc": "-", "repo": repository, "tag": tag, "changes": lines}
        with _client(self.address, _IMPORT_TIMEOUT_S) as client, archive.open("rb") as content:
            answer = client.post("/images/create", params=query, content=content, headers={"Content-Type": "application/x-tar"})
        if answer.status_code != 200 or '"error"' in answer.text:
            raise PreflightError(f"the engine does not import {image}: {answer.text.strip()[-300:]}", hint="has it room left?")

    def holds(self, image: str) -> bool:
        """Whether the image is there without asking a registry."""
        return self.get(f"/images/{quote(image, safe='/:@')}/json") is not None

    def held_image(self) -> str | None:
        """The first image of `wanted_images` that the engine holds."""
        return next((image for image in wanted_images() if self.holds(image)), None)


def local_image() -> str:
    """The tag of the image that `python -m harness.databases.image` makes; empty where there is no package to make it from."""
    binaries = package_binaries()
    return f"{LOCAL_REPOSITORY}:{binaries.version}-r{LOCAL_REVISION}" if binaries else ""


def wanted_images() -> tuple[str, ...]:
    """`HARNESS_POSTGRES_IMAGE` alone where it is set; else the pinned official image, then the one that is made here."""
    chosen = os.environ.get(IMAGE_VARIABLE, "")
    return (chosen,) if chosen else tuple(image for image in (IMAGE, local_image()) if image)


def find_engine() -> Engine | str:
    """The engine that answers, at `DOCKER_HOST` or a usual socket; else the reason why there is none."""
    reasons = []
    for address in _addresses():
        try:
            with _client(address) as client:
                answer = client.get("/version")
            return Engine(address, str(json.loads(answer.content)["Version"]))
        except (httpx.HTTPError, ValueError, KeyError, OSError) as error:
            reasons.append(f"{address}: {str(error) or type(error).__name__}")
    return "no Docker engine answers" + (f" ({'; '.join(reasons)})" if reasons else ": there is no socket of one")


def _addresses() -> Iterator[str]:
    if chosen := os.environ.get(HOST_VARIABLE):
        yield chosen
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for path in (Path("/var/run/docker.sock"), Path(runtime) / "docker.sock" if runtime else None):
        if path and path.is_socket():
            yield f"unix://{path}"


def _client(address: str, timeout_s: float = _TIMEOUT_S) -> httpx.Client:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        transport = httpx.HTTPTransport(uds=parts.path, verify=False)  # no TLS on a socket; its set-up would take 20 ms
        return httpx.Client(transport=transport, base_url="http://docker", timeout=timeout_s)
    return httpx.Client(base_url=f"http://{parts.netloc}", timeout=timeout_s, trust_env=False)
