"""`harness token ROLE`: a credential of a running target, for curl."""

from __future__ import annotations

import argparse

from harness.cli.exits import Exit
from harness.config.decode import nearest
from harness.config.targets import read_target
from harness.model.errors import ConfigError
from harness.runner.request import open_project, target_file, target_option
from harness.runner.upkeep import running


def run(args: argparse.Namespace) -> Exit:
    """Logs in and prints the token alone (or the cookies, where the role has no token)."""
    root, project = open_project()
    file = target_file(root, args.target or project.defaults.target)
    target = read_target(file)
    if args.role not in target.role_names:
        raise ConfigError(f'{target.name} has no role "{args.role}"', hint=nearest(args.role, target.role_names))
    live = running(root, target, target_option(root, file))
    role = live.target.role(args.role)
    users = {user.name: user for user in role.users}
    if args.user and args.user not in users:
        raise ConfigError(f'role {role.name} has no user "{args.user}"', hint=nearest(args.user, users))
    credential = live.sign_in(role, users[args.user] if args.user else role.users[0])
    prefix = role.login.value.partition("{")[0]
    values = [value.removeprefix(prefix) for value in credential.headers.values()]
    print("\n".join(values) or "; ".join(f"{name}={value}" for name, value in credential.cookies.items()))
    return Exit.OK
