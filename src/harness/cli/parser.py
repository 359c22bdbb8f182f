"""The command line: verbs, options, and errors that name the nearest valid word."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from harness import __version__
from harness.cli.exits import EXPLAINED, Exit


class UsageExit(Exception):
    """The parser's answer: text for a stream and an exit code. Only `main` exits."""

    def __init__(self, code: Exit, text: str = "") -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Parser(argparse.ArgumentParser):
    """argparse that suggests the nearest valid option or verb, and leaves exiting to `main`."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong, then the nearest valid word."""
        hint = self._nearest(message)
        raise UsageExit(Exit.USAGE, f"{self.prog}: {message}\nhint: {hint or f'see {self.prog} --help'}\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Hands the exit to `main`; argparse calls it after `--help` and `--version`."""
        raise UsageExit(Exit(status), message or "")

    def _nearest(self, message: str) -> str:
        choice = re.search(r"invalid choice: '([^']*)'", message)
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        word = (choice or unknown or [""])[1] if (choice or unknown) else ""
        near = difflib.get_close_matches(word.split("=")[0], self._words(bool(choice)), n=1, cutoff=0.5)
        return f'did you mean "{near[0]}"?' if near else ""

    def _words(self, choices: bool) -> list[str]:
        if not choices:
            return [option for action in self._actions for option in action.option_strings]
        return [str(name) for action in self._actions if action.choices for name in action.choices]


class VerbParser(Parser):
    """Takes a verb's arguments before, between and behind its options (`faults run --jobs 2 NAME`)."""

    _is_mixing = False

    def parse_known_args(  # type: ignore[override] # no overloads
        self, args: Any = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse's intermixed parsing, which subparsers do not use by themselves and which calls this in its turn."""
        if self._is_mixing:
            return super().parse_known_args(args, namespace)
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False


@dataclass(frozen=True)
class Option:
    """One option or argument of a verb, as argparse takes it."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    default: object = None
    nargs: str | None = None
    const: object = None  # what an option with an optional value holds where it is given without one
    flag: bool = False
    type: type = str
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Verb:
    """One verb: `module` in `harness.cli.verbs` has its `run(args) -> Exit`."""

    name: str
    module: str
    help: str
    options: tuple[Option, ...] = ()
    examples: str = ""


def parse(verbs: Sequence[Verb], argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments of one call; `UsageExit` for help and for mistakes, which the verb's own parser explains."""
    args, unknown = build(verbs).parse_known_args(argv)
    if unknown:
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return args


def build(verbs: Sequence[Verb]) -> Parser:
    """The parser of all verbs."""
    parser = Parser(
        prog="harness",
        description="Answers with evidence: is this build ready to ship?",
        epilog=EXPLAINED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"harness {__version__}")
    subparsers = parser.add_subparsers(parser_class=VerbParser, dest="verb", metavar="VERB", required=True, title="verbs")
    for verb in verbs:
        child = subparsers.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help[0].upper() + verb.help[1:] + ".",
            epilog=f"examples:\n{verb.examples}" if verb.examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        child.set_defaults(module=verb.module, parser=child)
        for option in verb.options:
            _add(child, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    if option.flag:
        parser.add_argument(*option.names, help=option.help, action="store_true")
        return
    parser.add_argument(
        *option.names,
        help=option.help,
        metavar=option.metavar,
        default=option.default,
        nargs=option.nargs,
        const=option.const,
        type=option.type,
        choices=option.choices,
    )
