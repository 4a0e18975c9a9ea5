#!/usr/bin/env bash
# ./dev fuzz [NAME...] [--seconds N] [--jobs N] [--seed N]: the targets of tests/fuzz under libFuzzer.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
# shellcheck source=tools/dev/packages.sh
source "$ROOT/tools/dev/packages.sh"
cd -- "$ROOT"

# The table in targets.hpp is the one list of them.
mapfile -t targets < <(sed -nE 's/^ *target\((\w+), \w+\).*/\1/p' tests/fuzz/targets.hpp)

help() {
    cat <<TEXT
./dev fuzz [NAME...] [--seconds N] [--jobs N] [--seed N]

Builds the fuzz targets (clang 16, AddressSanitizer, UBSan; build/asan) and gives each, or those that are
named, N seconds (600) of inputs made from tests/fixtures/fuzz/NAME, N targets at a time (1). An input may take
10 s and 2 GiB of memory. With --seed a second call tries nearly the same inputs. The table at the end has a line per target. Exit status: 1 if a target broke, else 0.
Targets: ${targets[*]}.

The report of a broken target names the input and the command that replays it. Fix the reader, and move the input
to tests/fixtures/fuzz/NAME under a name that says what it holds: the test Fuzz.* replays what is there.
New inputs that reached new code are kept in build/fuzz/corpus/NAME, and the next call continues from them.
TEXT
}

whole_number() {
    [[ $2 =~ ^[1-9][0-9]*$ ]] || die --code 2 "$1 takes a whole number from 1 on, not '$2'"
}

seconds=600
jobs=1
seed=
chosen=()
while (($# > 0)); do
    case $1 in
        -h | --help)
            help
            exit 0
            ;;
        --seconds) seconds=${2:-} && shift ;;
        --seconds=*) seconds=${1#*=} ;;
        --jobs) jobs=${2:-} && shift ;;
        --jobs=*) jobs=${1#*=} ;;
        --seed) seed=${2:-} && shift ;;
        --seed=*) seed=${1#*=} ;;
        -*) die --code 2 "fuzz has no option '$1'; ./dev fuzz --help" ;;
        *) chosen+=("$1") ;;
    esac
    shift || break
done
whole_number --seconds "$seconds"
whole_number --jobs "$jobs"
[[ -z $seed ]] || whole_number --seed "$seed"
for name in "${chosen[@]}"; do
    [[ " ${targets[*]} " == *" $name "* ]] || die --code 2 "there is no fuzz target '$name'; there are: ${targets[*]}"
done
if ((${#chosen[@]} == 0)); then chosen=("${targets[@]}"); fi

need_packages build test fuzz
step configure-asan cmake --preset asan -DPEAKWARD_BENCH=OFF
step build-asan ninja -C build/asan -j "${JOBS:-$(nproc)}" peakward_fuzz

program=build/asan/bin/peakward_fuzz
# Many targets write small files: in memory, and gone afterwards.
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && printf /dev/shm || printf %s "${TMPDIR:-/tmp}")" peakward-fuzz.XXXXXX)
trap 'rm -rf -- "$scratch"' EXIT

# run_target NAME: libFuzzer on one target, with its output in a log of its own.
run_target() {
    local name=$1 corpus="build/fuzz/corpus/$1" found="build/fuzz/found/$1"
    mkdir -p "$corpus" "$found" "$scratch/$name"
    # 64 KiB hold every form of input; a longer one only repeats it.
    TMPDIR="$scratch/$name" UBSAN_OPTIONS=print_stacktrace=1 "$program" "--target=$name" \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        ${seed:+"-seed=$seed"} \
        -artifact_prefix="$found/" "$corpus" "tests/fixtures/fuzz/$name" \
        >"build/log/fuzz-$name.log" 2>&1 </dev/null
}

# last_figure PATTERN FILE: the number behind the last place where PATTERN stands.
last_figure() { grep -oE "$1 *[0-9]+" "$2" | tail -n 1 | grep -oE '[0-9]+$' || printf -- -; }

# report NAME STATUS SECONDS: what broke on stderr, and the target's line of the table.
report() {
    local name=$1 status=$2 log="build/log/fuzz-$1.log" input finds=0
    if ((status != 0)); then
        finds=1
        say "== $name broke"
        grep -E '^(broken|==[0-9]+== ?ERROR|SUMMARY|.*runtime error)' "$log" >&2 || tail -n 20 "$log" >&2
        input=$(grep -oE 'Test unit written to .*' "$log" | tail -n 1 | sed 's/.* written to //') || true
        if [[ -n $input ]]; then
            say "   input:  $ROOT/$input"
            say "   replay: $ROOT/$program --target=$name $ROOT/$input"
        fi
        say "   output: $ROOT/$log"
    fi
    rows+=("$(printf '%-18s %10s %9s %8s %6s' "$name" "$(last_figure 'number_of_executed_units:' "$log")" \
        "$(last_figure 'cov:' "$log")" "$3" "$finds")")
    ((finds == 0)) || broken=1
}

rows=()
broken=0
declare -A name_of=() started=()
# finish_one: waits for a target to end, and reports it.
finish_one() {
    local pid status=0
    wait -n -p pid || status=$?
    report "${name_of[$pid]}" "$status" $((SECONDS - started[$pid]))
    unset "name_of[$pid]"
}
for name in "${chosen[@]}"; do
    while ((${#name_of[@]} >= jobs)); do finish_one; done
    say "== fuzz $name: $seconds s"
    run_target "$name" &
    name_of[$!]=$name
    started[$!]=$SECONDS
done
while ((${#name_of[@]} > 0)); do finish_one; done
printf '%-18s %10s %9s %8s %6s\n' target inputs coverage seconds finds
printf '%s\n' "${rows[@]}" | sort
exit "$broken"
