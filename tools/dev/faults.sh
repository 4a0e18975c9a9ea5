#!/usr/bin/env bash
# ./dev faults [options of tools/faults]: the fault programs against a build.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
# shellcheck source=tools/dev/packages.sh
source "$ROOT/tools/dev/packages.sh"
cd -- "$ROOT"

program_is_named=
for argument in "$@"; do
    case $argument in
        -h | --help) exec env PYTHONPATH=tools python3 -B -m faults --help ;;
        --program | --program=*) program_is_named=yes ;;
    esac
done
need_packages faults
if [[ -z $program_is_named ]]; then ./dev build; fi
exec env PYTHONPATH=tools python3 -B -m faults "$@"
