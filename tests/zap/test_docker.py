"""The Docker way, with an image made here of the same files. Skipped, with the reason, where no engine answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.databases.engine import Engine, find_engine
from harness.engines.zap.container import LABEL
from harness.engines.zap.daemon import opened
from harness.engines.zap.source import NoZap, SourceKind, ZapSource, find_zap
from harness.model.errors import EngineError
from harness.model.run import StageState
from tests.databases.lives import within
from tests.zap import assembly, image, shop_project
from tests.zap.scans import payload, stage
from tests.zap.shop_project import BUYER

ENGINE = find_engine()
pytestmark = pytest.mark.skipif(not isinstance(ENGINE, Engine), reason=str(ENGINE))


def engine() -> Engine:
    assert isinstance(ENGINE, Engine)
    return ENGINE


@pytest.fixture(scope="module")
def made() -> Iterator[str]:
    """The image's id; the image is gone at the end."""
    if why := assembly.missing():
        pytest.skip(f"no image of a real ZAP: {why}")
    yield image.build(engine())
    subprocess.run(["docker", "rmi", "-f", image.TAG], capture_output=True, timeout=60, check=False)


@pytest.fixture
def source(made: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ZapSource:
    for name in ("HARNESS_ZAP", "HARNESS_ZAP_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HARNESS_ZAP_IMAGE", made)
    found = find_zap({"HARNESS_ZAP_IMAGE": made, "PATH": str(tmp_path)})
    assert isinstance(found, ZapSource)
    assert found.kind is SourceKind.DOCKER
    return found


def ours() -> list[str]:
    return [each["Id"] for each in engine().get("/containers/json?all=1") if LABEL in each["Labels"]]


@pytest.mark.usefixtures("source")
def test_a_scan_by_a_container_is_whole_and_leaves_none(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True, SHOP_ECHO="1")
    outcome = stage(project)
    assert (outcome.state, outcome.reason) == (StageState.RAN, "")
    (finding,) = payload(project, outcome).findings
    assert (finding.operation, finding.parameter) == ("GET /search", "q")
    assert ours() == []
    assert "ZAP is now listening" in (project.folder / "run/stages/1-zap/raw/zap.log").read_text(encoding="utf-8")


def test_the_log_of_a_container_is_read_while_it_runs(source: ZapSource, tmp_path: Path) -> None:
    with opened(source, tmp_path, memory_mb=256) as daemon:
        assert any("ZAP is now listening" in line for line in daemon.logged())
        assert daemon.out_of_memory() == ""
    assert ours() == []


def test_no_container_outlives_the_harness(source: ZapSource, tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from harness.engines.zap.daemon import opened
        from harness.engines.zap.source import find_zap
        with opened(find_zap(), Path({str(tmp_path)!r}), memory_mb=256):
            print("ready", flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == "ready\n"
        (container,) = ours()
        limits = engine().get(f"/containers/{container}/json")["HostConfig"]
        assert (limits["Memory"], limits["PidsLimit"]) == ((256 + 1024) << 20, 2048)
        harness.send_signal(signal.SIGKILL)
    assert within(20, lambda: ours() == [])
    assert source.engine is not None


def test_an_image_that_is_not_held_is_no_zap_and_one_that_is_none_is_an_error(source: ZapSource, tmp_path: Path) -> None:
    absent = find_zap({"HARNESS_ZAP_IMAGE": f"sha256:{'0' * 64}", "PATH": str(tmp_path)})
    assert isinstance(absent, NoZap)
    assert "does not hold" in absent.reason
    broken = ZapSource(SourceKind.DOCKER, "power100-harness/none:1", engine=source.engine)
    with pytest.raises(EngineError, match="did not start"), opened(broken, tmp_path):
        pass
    assert ours() == []
