# shellcheck shell=bash
# What every part of ./dev uses: messages, timing, running a step with its output in a log.
# stdout belongs to results; everything here writes to stderr.

say() { printf '%s\n' "$*" >&2; }
die() {
    local code=1
    if [[ $1 == --code ]]; then
        code=$2
        shift 2
    fi
    printf 'dev: %s\n' "$*" >&2
    exit "$code"
}

log_folder() {
    mkdir -p "$ROOT/build/log" 2>/dev/null ||
        die "cannot write to $ROOT/build; make the folder writable or work in a copy of the sources"
    printf '%s/build/log\n' "$ROOT"
}

# step NAME COMMAND...: runs the command with its output in build/log/NAME.log (shown as it comes
# when stderr is a terminal). On failure shows the end of the log and returns the exit status.
step() {
    local name=$1 log start status=0
    shift
    log="$(log_folder)/$name.log"
    start=$SECONDS
    if [[ -t 2 ]]; then
        "$@" 2>&1 </dev/null | tee "$log" >&2 || status=$?
    else
        "$@" >"$log" 2>&1 </dev/null || status=$?
    fi
    if ((status != 0)); then
        if [[ ! -t 2 ]]; then tail -n 60 "$log" >&2; fi
        say "dev: $name failed (exit $status) after $((SECONDS - start)) s; the whole output is in $log"
        return "$status"
    fi
    say "== $name: $((SECONDS - start)) s"
}
