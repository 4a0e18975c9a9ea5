#!/usr/bin/env bash
# ./dev fuzz [NAME] [--seconds N]: the targets of tests/fuzz under libFuzzer.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
# shellcheck source=tools/dev/packages.sh
source "$ROOT/tools/dev/packages.sh"
cd -- "$ROOT"

mapfile -t targets < <(find tests/fuzz -maxdepth 1 -name '*_fuzz.cpp' -printf '%f\n' | sed 's/_fuzz\.cpp$//' | sort)

help() {
    cat <<TEXT
./dev fuzz [NAME] [--seconds N]

Builds the fuzz targets (clang 16, AddressSanitizer, UBSan; build/fuzz) and gives each, or the one that is
named, N seconds (300) of inputs made from tests/fixtures/fuzz/NAME. Targets: ${targets[*]}.

An input that breaks something ends it with exit status 1, its path and what broke. What to do then: move it to
tests/fixtures/fuzz/NAME under a name that says what it holds; the test Fuzz.* replays what lies there.
New inputs that reached new code are kept in build/fuzz/corpus/NAME, and the next call goes on from them.
TEXT
}

seconds=300
chosen=()
while (($# > 0)); do
    case $1 in
        -h | --help)
            help
            exit 0
            ;;
        --seconds) seconds=${2:-} && shift ;;
        --seconds=*) seconds=${1#*=} ;;
        -*) die --code 2 "fuzz has no option '$1'; ./dev fuzz --help" ;;
        *) chosen+=("$1") ;;
    esac
    shift || break
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die --code 2 "--seconds takes a whole number from 1 on, not '$seconds'"
for name in "${chosen[@]}"; do
    [[ " ${targets[*]} " == *" $name "* ]] || die --code 2 "there is no fuzz target '$name'; there are: ${targets[*]}"
done
if ((${#chosen[@]} == 0)); then chosen=("${targets[@]}"); fi

need_packages build test fuzz
programs=()
for name in "${chosen[@]}"; do programs+=("peakward_${name}_fuzz"); done
step configure-fuzz cmake --preset fuzz -DPEAKWARD_BENCH=OFF
step build-fuzz ninja -C build/fuzz -j "${JOBS:-$(nproc)}" "${programs[@]}"

status=0
for name in "${chosen[@]}"; do
    corpus="build/fuzz/corpus/$name" found="build/fuzz/found/$name" log="build/log/fuzz-$name.log"
    mkdir -p "$corpus" "$found"
    say "== fuzz $name: $seconds s"
    # 64 KiB hold every form of input; a longer one only repeats it.
    if UBSAN_OPTIONS=print_stacktrace=1 "build/fuzz/bin/peakward_${name}_fuzz" -max_total_time="$seconds" -max_len=65536 -timeout=10 \
        -rss_limit_mb=3072 -print_final_stats=1 -artifact_prefix="$found/" "$corpus" "tests/fixtures/fuzz/$name" >"$log" 2>&1 </dev/null; then
        say "   $(grep -oE 'number_of_executed_units: [0-9]+' "$log" | tail -1 | grep -oE '[0-9]+') inputs, nothing broke"
    else
        status=1
        grep -E '^(broken|==[0-9]+==ERROR|SUMMARY|.*runtime error)|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
        say "dev: fuzz $name broke something; the whole output is in $ROOT/$log"
    fi
done
exit "$status"
