#!/usr/bin/env bash
# ./dev check: the checks of the sources. Each is a function check_NAME below.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
# shellcheck source=tools/dev/packages.sh
source "$ROOT/tools/dev/packages.sh"
cd -- "$ROOT"
fix=

# files_of REGEX: the files of the tree that match, whether there is git or not, one per line.
files_of() {
    {
        git ls-files --cached --others --exclude-standard 2>/dev/null ||
            find . -path ./build -prune -o -type f -print | sed 's,^\./,,'
    } | grep -E "$1" | grep -v '^tests/fixtures/' |
        while IFS= read -r file; do if [[ -f $file ]]; then printf '%s\n' "$file"; fi; done
}

check_format() {
    files_of '^(src|workers|tests|bench)/.*\.(cpp|hpp)$' |
        xargs -P "$(nproc)" -n 16 clang-format-16 --style=file "${format_mode[@]}"
}

check_layers() { python3 tools/check_layers.py; }
check_tidy() { python3 tools/tidy.py; }

check_shellcheck() {
    { files_of '\.sh$'; printf '%s\n' dev .ci/run; } | xargs shellcheck -x
}

# The virtual environment with the pinned Python tools; made again when the pins change.
python_tools() {
    local venv="$ROOT/build/.venv" log
    log="$(log_folder)/python-tools.log"
    if cmp -s tools/python-requirements.txt "$venv/requirements.txt"; then return 0; fi
    # Debian's interpreter, so that mypy sees the numpy that is installed with it.
    if ! { /usr/bin/python3 -m venv --clear --system-site-packages "$venv" &&
        "$venv/bin/pip" install --quiet -r tools/python-requirements.txt; } >"$log" 2>&1; then
        rm -rf "$venv"
        die "ruff and mypy could not be installed from the Python package index (is there a network?). Log: $log"
    fi
    cp tools/python-requirements.txt "$venv/requirements.txt"
}

# The checks are called where `set -e` does not act (step ... ||), so they chain what may fail.
check_ruff() {
    build/.venv/bin/ruff check "${ruff_mode[@]}" . &&
        build/.venv/bin/ruff format "${ruff_format_mode[@]}" .
}

check_mypy() {
    build/.venv/bin/mypy --cache-dir build/.mypy_cache &&
        (cd workers/python && "$ROOT/build/.venv/bin/mypy" --cache-dir "$ROOT/build/.mypy_cache")
}

check_clang-tidy() {
    local generated
    env LC_ALL=C.UTF-8 cmake --preset tidy >/dev/null || return
    # clang-tidy needs the headers that the build generates, and nothing else of it.
    mapfile -t generated < <(ninja -C build/tidy -t targets all | grep -oE '^[^:]*/embedded/[^:]*\.hpp')
    if ((${#generated[@]})); then ninja -C build/tidy "${generated[@]}" >/dev/null || return; fi
    python3 tools/clang_tidy.py
}

all=(format layers tidy shellcheck ruff mypy clang-tidy)
chosen=()
for argument in "$@"; do
    case $argument in
        --fix) fix=yes ;;
        format | layers | tidy | shellcheck | ruff | mypy | clang-tidy) chosen+=("$argument") ;;
        *) die --code 2 "check does not know '$argument'; it has: ${all[*]} --fix" ;;
    esac
done
if ((${#chosen[@]} == 0)); then chosen=("${all[@]}"); fi
if [[ -n $fix && ${#chosen[@]} -eq ${#all[@]} ]]; then chosen=(format ruff); fi
need_packages build run test check
if [[ " ${chosen[*]} " == *" ruff "* || " ${chosen[*]} " == *" mypy "* ]]; then python_tools; fi

format_mode=(--dry-run --Werror)
ruff_mode=()
ruff_format_mode=(--check)
if [[ -n $fix ]]; then
    format_mode=(-i)
    ruff_mode=(--fix)
    ruff_format_mode=()
fi

failed=()
for name in "${chosen[@]}"; do
    step "check-$name" "check_$name" || failed+=("$name")
done
if ((${#failed[@]})); then die "these checks found something: ${failed[*]}"; fi
say "checks passed: ${chosen[*]}"
