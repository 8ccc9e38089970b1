# What the scripts of this folder share. They are bash, and run at the root of the repository.
# shellcheck shell=bash

LOGS=.test-artifacts/logs
# What runs side by side: the process groups, and in the same order the names of the steps.
running=() names=()

log_of() { printf '%s/%s.log' "$LOGS" "$(tr -cs 'A-Za-z0-9\n' - <<<"$1")"; }

# verdict NAME STARTED CODE: say how a step ended.
verdict() {
    local seconds=$((SECONDS - $2))
    if [ "$3" = 0 ]; then
        printf '== %s: ok, %s s\n' "$1" "$seconds"
    else
        printf '== %s: FAILED (exit %s), %s s; its log: %s\n' "$1" "$3" "$seconds" "$(log_of "$1")" >&2
    fi
}

# step NAME COMMAND…: run a command in this very shell; stop here if it fails.
step() {
    local name=$1 started=$SECONDS code=0
    shift
    printf '\n== %s\n' "$name"
    "$@" >"$(log_of "$name")" 2>&1 || code=$?
    cat "$(log_of "$name")"
    verdict "$name" "$started" "$code"
    [ "$code" = 0 ] || exit "$code"
}

# at_once NAME FUNCTION [NAME FUNCTION]…: run them side by side and show what each has printed when
# it ends; stop here, after the last, if one fails. Each is a process group of its own, so that all
# of it can be ended; see `end_all`.
at_once() {
    local started=$SECONDS failed=0 number code
    set -m
    while [ $# -gt 0 ]; do
        names+=("$1")
        "$2" >"$(log_of "$1")" 2>&1 </dev/null &
        running+=($!)
        shift 2
    done
    set +m
    printf '\n== at once:%s\n' "$(printf ' %s;' "${names[@]}") their output follows, and grows in $LOGS"
    for number in "${!names[@]}"; do
        code=0
        wait "${running[$number]}" || code=$?
        show "$number" "$started" "$code"
        [ "$code" = 0 ] || failed=$code
    done
    running=() names=()
    [ "$failed" = 0 ] || exit "$failed"
}

# show NUMBER STARTED CODE: what a step of `at_once` has printed, and how it ended.
show() {
    printf '\n== %s\n' "${names[$1]}"
    cat "$(log_of "${names[$1]}")"
    verdict "${names[$1]}" "$2" "$3"
}

# end_all: what a signal to the script means for what it runs. SIGTERM lets pytest say what it was busy
# with, on SIGABRT where each of its threads is; what does not end is killed. All is shown, because the
# signal may be that of a time limit.
end_all() {
    local number wait_until=$((SECONDS + 30))
    trap '' TERM INT HUP
    end_running TERM || true
    while end_running 0 && [ $SECONDS -lt $wait_until ]; do sleep 0.2; done
    end_running ABRT && sleep 1
    end_running KILL || true
    for number in "${!running[@]}"; do show "$number" 0 143; done
    exit 143
}
trap end_all TERM INT HUP

# end_running SIGNAL: send it to all that runs; false when nothing does.
end_running() {
    local job found=1
    for job in "${running[@]}"; do kill "-$1" -- "-$job" 2>/dev/null && found=0; done
    return $found
}

is_root() { [ "$(id -u)" = 0 ]; }

# True when a command exists *and* starts: a version manager may leave a stub that does not.
works() { command -v "$1" >/dev/null 2>&1 && "$1" --version >/dev/null 2>&1; }

# apt_install PACKAGE…: install Debian's packages, or say how to.
apt_install() {
    if ! is_root || ! command -v apt-get >/dev/null; then
        echo "Missing: $1. Install it, on Debian or Ubuntu with: sudo apt-get install -y $*" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1 ||
        { apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends "$@" </dev/null; }
}

# have_packages PACKAGE…: install those of Debian's packages that are missing, if any is.
have_packages() { dpkg --status "$@" >/dev/null 2>&1 || apt_install "$@"; }

have_uv() {
    works uv && return
    # A private environment: the system's own Python refuses `pip install` (PEP 668).
    local home="${XDG_CACHE_HOME:-$HOME/.cache}/actionstep-connect/uv"
    if [ ! -x "$home/bin/uv" ]; then
        command -v python3 >/dev/null || apt_install python3
        python3 -m venv "$home" 2>/dev/null || { apt_install python3-venv && python3 -m venv --clear "$home"; }
        "$home/bin/pip" install --quiet --disable-pip-version-check uv
    fi
    export PATH="$home/bin:$PATH"
    works uv
}

run() { uv run --no-sync "$@"; }

# Some images forbid Python to keep what it has compiled: each of the many processes that the tests
# start would then compile Django again.
unset PYTHONDONTWRITEBYTECODE
export PATH="$PATH:$HOME/.local/bin"
if [ -z "${NO_COLOR:-}" ] && [ ! -t 1 ]; then export NO_COLOR=1; fi
rm -rf "$LOGS"
mkdir -p "$LOGS"

# shellcheck disable=SC2034
# Integration on SQLite in a minute: one file of each kind.
smoke=(
    tests/integration/admin/test_overview.py
    tests/integration/client/test_errors.py
    tests/integration/connect/test_coming_back.py
    tests/integration/refresh/test_flag.py
    tests/integration/refresh/test_run.py
    tests/integration/test_health.py
    tests/integration/test_logging.py
    tests/integration/test_vault.py
)
