"""A real ZAP without stock rules, assembled from Maven Central where Java and Maven are there, with one rule of our own.

The core wants add-ons: `network`, `commonlib`, `automation` and `spider` from Maven, and two that it insists on by their id
alone. The rule is compiled here against the core. Assembled once into `.cache`, then without a network. The folder has the shape
of an installed ZAP: `zap.sh`, `lib/`, `plugin/`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from harness.model.errors import EngineError
from tests.runner.tiny import ROOT

VERSION = "2.17.0"
RULE, RULE_NAME = "999001", "Markup is echoed"
_ADD_ONS = (
    ("network", "0.25.0", "beta"),
    ("commonlib", "1.40.0", "release"),
    ("automation", "0.60.0", "beta"),
    ("spider", "0.6.0", "release"),
)
_BRING_LIBRARIES = ("network", "commonlib")  # the others stand on commonlib's
_EMPTY = ("callhome", "database")
_LEFT_OUT = ("log4j",)  # the core has it; a second one does not start
_RULE_SOURCE = Path(__file__).with_name("rule") / "EchoedMarkup.java"
_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<zapaddon><name>{name}</name><version>1.0.0</version><status>release</status><description>Of the tests.</description>
<author>harness</author><url/><changes/><extensions/>{more}<not-before-version>2.17.0</not-before-version></zapaddon>"""
_START = """#!/bin/sh
# Starts as the installed program does: an -Xmx among the arguments is the machine's, the others are ZAP's.
base=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
memory=-Xmx512m
for argument; do
  shift
  case $argument in -Xmx*) memory=$argument ;; *) set -- "$@" "$argument" ;; esac
done
exec java "$memory" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -cp "$base/lib/*" \\
  org.zaproxy.zap.ZAP -installdir "$base" "$@"
"""
_TIMEOUT_S = 300
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>zap</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{dependencies}</dependencies></project>"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def missing() -> str:
    """Why no daemon can be assembled here; "" where it can."""
    absent = [name for name in ("java", "javac", "mvn") if shutil.which(name) is None]
    return f"not here: {' and '.join(absent)}" if absent else ""


def cache() -> Path:
    """The folder of this recipe: another recipe has another."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + _RULE_SOURCE.read_bytes()).hexdigest()[:8]
    return ROOT / ".cache" / f"zap-{VERSION}-{recipe}"


def assemble() -> Path:
    """The folder of an installed ZAP; `EngineError` where Maven or the compiler cannot give it."""
    made = cache()
    if (made / "zap.sh").is_file():
        return made
    draft = made.with_name(f"{made.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "plugin").mkdir(parents=True)
    try:
        _fetch(draft / "lib", (("org.zaproxy", "zap", VERSION),))
        for folder, add_ons in (("network", _ADD_ONS[:1]), ("others", _ADD_ONS[1:])):
            _fetch(draft / folder, tuple(("org.zaproxy.addon", name, version) for name, version, _ in add_ons))
            for add_on in add_ons:
                _pack(draft / folder, add_on, draft / "plugin")
            shutil.rmtree(draft / folder)
        for name in _EMPTY:
            with zipfile.ZipFile(draft / "plugin" / f"{name}-release-1.0.0.zap", "w") as empty:
                empty.writestr("ZapAddOn.xml", _MANIFEST.format(name="Empty", more=""))
        _compile_rule(draft)
        (draft / "zap.sh").write_text(_START, encoding="utf-8")
        (draft / "zap.sh").chmod(0o755)
        shutil.rmtree(made, ignore_errors=True)
        draft.replace(made)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def _fetch(folder: Path, wanted: tuple[tuple[str, str, str], ...]) -> None:
    """Artefacts (group, name, version) with all that they need; each call of Maven takes seconds, so there are few."""
    folder.mkdir(parents=True)
    pom = folder / "pom.xml"
    pom.write_text(_POM.format(dependencies="".join(_DEPENDENCY.format(*each) for each in wanted)), encoding="utf-8")
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    _run([*command, "-DincludeScope=runtime"], f"Maven does not give {', '.join(name for _, name, _ in wanted)}")
    pom.unlink()


def _pack(folder: Path, add_on: tuple[str, str, str], plugins: Path) -> None:
    """The add-on's jar, with the libraries inside and named in its manifest where it is the one that brings them."""
    name, version, status = add_on
    ours = {f"{each}-{number}.jar" for each, number, _ in _ADD_ONS}
    brings = name in _BRING_LIBRARIES
    libraries = [path for path in sorted(folder.glob("*.jar")) if path.name not in ours and not path.name.startswith(_LEFT_OUT)]
    named = "".join(f"<lib>libs/{path.name}</lib>" for path in libraries) if brings else ""
    end = f"<libs>{named}</libs></zapaddon>".encode()
    jar, packed_file = folder / f"{name}-{version}.jar", plugins / f"{name}-{status}-{version}.zap"
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(packed_file, "w", zipfile.ZIP_STORED) as packed:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "ZapAddOn.xml":
                content = re.sub(rb"<libs>.*?</libs>", b"", content, flags=re.DOTALL).replace(b"</zapaddon>", end)
            packed.writestr(entry, content)
        for path in libraries if brings else ():
            packed.write(path, f"libs/{path.name}")


def _compile_rule(draft: Path) -> None:
    classes = draft / "classes"
    command = ["javac", "-nowarn", "--release", "17", "-cp", f"{draft / 'lib'}/*", "-d", str(classes), str(_RULE_SOURCE)]
    _run(command, "the rule does not compile")
    more = "<ascanrules><ascanrule>local.harness.EchoedMarkup</ascanrule></ascanrules>"
    with zipfile.ZipFile(draft / "plugin" / "echoedmarkup-release-1.0.0.zap", "w") as packed:
        packed.writestr("ZapAddOn.xml", _MANIFEST.format(name="Echoed markup", more=more))
        for path in sorted(classes.rglob("*.class")):
            packed.write(path, path.relative_to(classes).as_posix())
    shutil.rmtree(classes)


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        raise EngineError(f"{what}: {(done.stdout + done.stderr)[-300:]}")
