#!/usr/bin/env bash
# ./dev ci: everything a change must pass, cheapest first. A failure ends it, but for findings of the
# checks of the sources and of the fuzz targets: what comes after does not depend on them, so one run of
# the CI tells all. .ci/run calls it.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
# shellcheck source=tools/dev/packages.sh
source "$ROOT/tools/dev/packages.sh"
cd -- "$ROOT"
exec </dev/null

times=()
found=()
# timed [--go-on] NAME COMMAND...: one step of the CI; its time is in the summary at the end. With
# --go-on its failure is kept for the end.
timed() {
    local go_on='' status=0 name start=$SECONDS
    if [[ $1 == --go-on ]]; then
        go_on=yes
        shift
    fi
    name=$1
    shift
    say "## $name"
    "$@" || status=$?
    times+=("$(printf '%-24s %5d s%s' "$name" $((SECONDS - start)) "$( ((status == 0)) || printf '  failed')")")
    if ((status == 0)); then return 0; fi
    say "ci: step '$name' failed after $((SECONDS - start)) s"
    found+=("$name")
    if [[ -n $go_on ]]; then return 0; fi
    summary
    exit 1
}

# The counts of all test programs of this run, as one line that ends the log.
summary() {
    printf '%s\n' "${times[@]}"
    awk '{passed += $2; failed += $3} END {printf "%d passed, %d failed\n", passed, failed}' \
        "$counts" 2>/dev/null || true
}

need_all_packages() { need_packages build run test check cross deb fuzz; }

# Functions called from `timed` run without `set -e`, so every line of theirs says "|| return".
# ctest_in PRESET [options]: as `./dev test` does for release.
ctest_in() {
    local preset=$1
    shift
    step "test-$preset" "$ROOT/dev" ctest "$preset" "$@" || return
}

sanitizers() {
    step configure-asan cmake --preset asan -DPEAKWARD_BENCH=OFF || return
    step build-asan ninja -C build/asan || return
    # Leaks count. A stack that is used after return is a bug that only this option shows.
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allow_addr2line=1 \
        UBSAN_OPTIONS=print_stacktrace=1:allow_addr2line=1 ctest_in asan -LE slow || return
}

# The tests that run under an emulator: all that start no processes of their own.
emulated=(peakward_{core,catalog,detect,measure,score,workers}_tests)

aarch64() {
    if [[ $(dpkg --print-architecture) == arm64 ]]; then
        say "this machine is aarch64: the tests above ran on it"
        return 0
    fi
    step configure-aarch64 cmake --preset aarch64 -DPEAKWARD_BENCH=OFF || return
    step build-aarch64 ninja -C build/aarch64 peakward peakward-worker-native \
        peakward-worker-blas "${emulated[@]}" || return
    # A worker's keeper never answers under qemu-user: the tests of processes run on real machines.
    ctest_in aarch64 -L unit -E '^PosixProcess\.' --timeout 120 || return
}

export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
counts="$(log_folder)/tests"
: >"$counts"
timed packages need_all_packages
timed --go-on "quick checks" bash tools/dev/check.sh format layers tidy shellcheck ruff mypy
timed --go-on "clang-tidy" bash tools/dev/check.sh clang-tidy
timed "dev test" ./dev test
timed "sanitizers" sanitizers
# With one seed, chance decides little of what is tried.
timed --go-on "fuzz" ./dev fuzz --seconds 10 --seed 1 --jobs "$(nproc)"
timed "aarch64" aarch64
timed "package" bash tools/dev/deb.sh
summary
if ((${#found[@]})); then
    printf -v names '%s, ' "${found[@]}"
    die "ci: these steps failed: ${names%, }; what they found stands above, and in build/log"
fi
