#!/bin/sh
# Sees to it that a Docker engine answers: the one that runs already, else Debian's docker.io, installed and started as root.
#
#   deploy/docker/start-engine.sh          start it; prints how on standard output
#   deploy/docker/start-engine.sh --stop   end the engine that this script started; another one is left alone
#
# Exits 0 when an engine answers (or was stopped), 3 with the reason on standard output where none can be had. Progress goes to
# standard error. It may be run again at any time. Never starts a second engine: that would take away the first one's bridge.
set -u

STATE=/var/run/power100-harness-dockerd   # <this>.pid, <this>.log
START_WAIT_S=20
INSTALL_WAIT_S=300

say() { printf '%s\n' "$*" >&2; }
cannot() { printf 'no Docker engine: %s\n' "$*"; exit 3; }
answers() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null | grep -q .; }
version() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }
ours() { [ -s "$STATE.pid" ] && grep -qs dockerd "/proc/$(cat "$STATE.pid")/cmdline"; }

stop() {
    ours || { rm -f "$STATE.pid"; return 0; }
    pid=$(cat "$STATE.pid")
    kill "$pid" 2>/dev/null
    waited=0
    while [ -d "/proc/$pid" ] && [ "$waited" -lt $((START_WAIT_S * 10)) ]; do
        sleep 0.1
        waited=$((waited + 1))
    done
    [ -d "/proc/$pid" ] && kill -9 "$pid"
    rm -f "$STATE.pid" /var/run/docker.pid
}

# start NAME FLAG…: whether an engine with these flags answers within START_WAIT_S.
start() {
    name=$1
    shift
    say "starting dockerd ($name)"
    setsid dockerd "$@" </dev/null >"$STATE.log" 2>&1 &
    echo $! >"$STATE.pid"
    waited=0
    while [ "$waited" -lt $((START_WAIT_S * 10)) ]; do
        answers && return 0
        ours || return 1
        sleep 0.1
        waited=$((waited + 1))
    done
    return 1
}

reason() { grep -aE 'level=(fatal|error)|failed to start' "$STATE.log" | tail -n 1 | cut -c 1-300; }

install() {
    command -v apt-get >/dev/null 2>&1 || cannot "dockerd is not installed, and there is no apt-get to install docker.io with"
    say "installing docker.io"
    export DEBIAN_FRONTEND=noninteractive
    # An index that is already there may be enough; a fresh one is fetched only where it is not.
    timeout "$INSTALL_WAIT_S" apt-get install -y --no-install-recommends docker.io iptables >"$STATE.log" 2>&1 && return
    timeout "$INSTALL_WAIT_S" apt-get update >>"$STATE.log" 2>&1
    timeout "$INSTALL_WAIT_S" apt-get install -y --no-install-recommends docker.io iptables >>"$STATE.log" 2>&1 ||
        cannot "docker.io could not be installed: $(tail -n 1 "$STATE.log")"
}

case "${1:-}" in
    --stop) stop; exit 0 ;;
    --help | -h) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    '') ;;
    *) say "unknown option $1 (there is --stop)"; exit 2 ;;
esac

if command -v docker >/dev/null 2>&1 && answers; then
    echo "engine $(version) answers already"
    exit 0
fi
[ -z "${DOCKER_HOST:-}" ] || cannot "DOCKER_HOST names one, and it does not answer"
[ "$(id -u)" = 0 ] || cannot "starting one takes root"
[ "$(uname -s)" = Linux ] || cannot "this is not Linux"
mkdir -p "$(dirname "$STATE")"
command -v dockerd >/dev/null 2>&1 || install
if pgrep -x dockerd >/dev/null 2>&1 && ! ours; then
    cannot "another dockerd runs, but does not answer"
fi

# A container in a container often has no overlay file system or no packet filter: each is given up before the whole is.
# Ports are published by the user-land proxy in every case.
start "as it is" || { stop; start "files copied" --storage-driver=vfs; } ||
    { stop; start "no packet filter" --iptables=false --ip6tables=false; } ||
    { stop; start "files copied, no packet filter" --storage-driver=vfs --iptables=false --ip6tables=false; } ||
    { why=$(reason); stop; cannot "dockerd does not start: ${why:-see $STATE.log}"; }
echo "engine $(version) started with $(docker info --format '{{.Driver}}' 2>/dev/null) (stop it: $0 --stop)"
