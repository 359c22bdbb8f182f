"""The command line: exits, suggestions, and words that help."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.exits import Exit, exit_of
from harness.cli.main import main
from harness.cli.parser import parse
from harness.cli.verbs_table import VERBS
from harness.model.verdict import Verdict
from tests.probes.servers import small_http
from tests.probes.servers.small_http import Asked, Given
from tests.probes.servers.stock_server import TARGET
from tests.runner.tiny import ROOT, TinyProject, make


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    tiny = make(tmp_path / "project")
    monkeypatch.chdir(tiny.folder)
    return tiny


def test_only_pass_exits_0() -> None:
    assert [exit_of(verdict) for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.SKIPPED)] == [
        Exit.OK,
        Exit.FAIL,
        Exit.UNKNOWN,
        Exit.UNKNOWN,
    ]


def test_help_names_every_verb_and_every_exit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) is Exit.OK
    text = capsys.readouterr().out
    assert all(verb.name in text for verb in VERBS)
    assert all(f"  {code.value}" in text for code in Exit)


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_each_verb_teaches_itself_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) is Exit.OK
    text = capsys.readouterr().out
    assert "examples:" in text


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["verfy"], 'did you mean "verify"?'),
        (["verify", "--plam", "merge"], 'did you mean "--plan"?'),
        (["list", "gate"], 'did you mean "gates"?'),
        (["faults", "rnu"], 'did you mean "run"?'),
    ],
)
def test_a_misspelt_word_exits_2_and_names_the_nearest(argv: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) is Exit.USAGE
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv", [["run", "a", "--jobs", "2", "b"], ["run", "--jobs", "2", "a", "b"], ["run", "a", "b", "--jobs", "2"]]
)
def test_arguments_stand_before_and_behind_options(argv: list[str]) -> None:
    args = parse(VERBS, ["faults", *argv])
    assert (args.action, args.ids, args.jobs) == ("run", ["a", "b"], 2)


def test_outside_of_a_project_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list", "gates"]) is Exit.USAGE
    assert "no harness.toml" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["engines", "gates", "stages", "plans", "targets", "runs"])
def test_lists_say_what_there_is(project: TinyProject, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", what]) is Exit.OK
    listed = capsys.readouterr().out
    expected = {"engines": "pytest", "gates": "coverage", "stages": "unit", "plans": "quick", "targets": "tiny", "runs": ""}
    assert expected[what] in listed
    assert project.folder.is_dir()


def test_explain_says_what_a_gate_needs(project: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.folder.is_dir()
    assert main(["explain", "coverage"]) is Exit.OK
    assert "every source file measured" in capsys.readouterr().out
    assert main(["explain", "coverge"]) is Exit.USAGE
    assert 'did you mean "coverage"?' in capsys.readouterr().err


def test_the_doctor_says_that_nothing_runs_and_starts_nothing(project: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) is Exit.OK
    said = capsys.readouterr()
    assert "no: harness verify starts it" in said.out
    assert "harness target up" in said.out
    assert "browser" in said.out
    assert project.runs() == []


def test_the_doctor_says_that_an_address_does_not_answer(project: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        project.change("targets/tiny.toml", 'title = "Tiny"', f'title = "Tiny"\nbase_url = "{address}"')
        project.change("targets/tiny.toml", '[commands]\nstart = ["{python}", "server.py", "{port}"]\n', "")
        assert main(["doctor"]) is Exit.PREFLIGHT
    assert f"does not answer at {address}" in capsys.readouterr().err


_COOKIES = {"Set-Cookie": "session=abc; Path=/", "set-cookie": "csrftoken=def; Path=/"}
_COOKIE_ROLE = """
[roles.reader.login]
kind = "json"
path = "/log-in"
body = { name = "{username}" }
cookie = "session"
%s
[[roles.reader.users]]
name = "one"
username = "ann"
password = "${READER_PASSWORD}"
"""


def test_the_doctor_says_which_program_is_not_there(project: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.change(
        "targets/tiny.toml", 'start = ["{python}", "server.py", "{port}"]', 'start = ["env", "A=b", "./serve.sh", "{port}"]'
    )
    assert main(["doctor"]) is Exit.OK
    said = " ".join(capsys.readouterr().out.split())
    assert f"commands start: there is no program ./serve.sh in {project.folder}" in said
    assert "next see commands above" in said
    (project.folder / "serve.sh").touch(mode=0o755)
    assert main(["doctor"]) is Exit.OK
    assert "there is no program" not in capsys.readouterr().out


@pytest.mark.parametrize(("send", "is_told"), [("", True), ('send = { "X-Token" = "{cookie:csrftoken}" }', False)])
def test_the_doctor_tells_of_a_cookie_against_forged_writes_that_nothing_repeats(
    project: TinyProject,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    send: str,
    *,
    is_told: bool,
) -> None:
    monkeypatch.setenv("READER_PASSWORD", "made up for this test")

    def answer(asked: Asked) -> Given:
        return Given(200, {}, _COOKIES if asked.path == "/log-in" else {})

    with small_http.served(TARGET, answer) as live:
        project.change("targets/tiny.toml", 'title = "Tiny"', f'title = "Tiny"\nbase_url = "{live.base_url}"')
        project.change("targets/tiny.toml", '[commands]\nstart = ["{python}", "server.py", "{port}"]\n', _COOKIE_ROLE % send)
        assert main(["doctor"]) is Exit.OK
    said = " ".join(capsys.readouterr().out.split())
    assert "reader ann is accepted" in said
    assert ("sets the cookie csrftoken too" in said) is is_told


def test_a_run_that_does_not_exist_exits_3_and_names_the_newest(project: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.runs() == []
    assert main(["judge", "20990101"]) is Exit.UNKNOWN
    assert "none yet" in capsys.readouterr().err


def test_an_unknown_target_exits_2(project: TinyProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--target", "tinyy"]) is Exit.USAGE
    assert 'did you mean "tiny"?' in capsys.readouterr().err
    assert project.runs() == []


def test_a_defect_of_ours_exits_5_with_its_traceback(tmp_path: Path) -> None:
    broken = "import harness.cli.main as m; m.parse = None; m.run()"
    done = subprocess.run(
        [sys.executable, "-c", broken],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.DEFECT
    assert "Traceback" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from harness.cli.main import main; main(['--help']); print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = ["httpx", "psycopg", "pydantic", "jinja2", "playwright", "locust", "schemathesis", "pytest"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
