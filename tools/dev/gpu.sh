#!/usr/bin/env bash
# ./dev gpu: what can be said and tested on a machine with a GPU. PEAKWARD_GPU_PYTHON names an interpreter
# with PyTorch for CUDA (python3 without it); what is found lies in $OUT, else in build/gpu.
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/say.sh
source "$ROOT/tools/dev/say.sh"
cd -- "$ROOT"
python=${PEAKWARD_GPU_PYTHON:-python3}
out=${OUT:-$ROOT/build/gpu}
program="$ROOT/build/release/bin/peakward"
status=0
mkdir -p "$out"

if [[ ${1:-} == --help ]]; then
    cat <<'TEXT'
./dev gpu

On a machine with a GPU: what detection finds, preflight with the GPU in use, the tests labelled gpu (the
cuda and pytorch workers, every case they support), what the cuda worker reaches against PyTorch and
against a bare copy in the same run (bench/gpu_reach.py), and a calibration of cuda:0. The evidence, with
date, device and driver, is written to $OUT, else build/gpu; copy gpu-evidence.json to docs/evidence.
Exit status: 0 all is well, 1 something is not, 3 there is no GPU.
TEXT
    exit 0
fi

"$ROOT/dev" build
"$program" context --json >"$out/gpu-context.json" || status=1
if ! python3 -c 'import json, sys; sys.exit(not json.load(sys.stdin)["hardware"]["gpus"])' <"$out/gpu-context.json"; then
    say "dev: detection found no GPU on this machine"
    exit 3
fi
# doctor exits with 3 when a check fails: that is an answer, not an error of this verb.
"$program" doctor --json >"$out/gpu-doctor.json" || (($? == 3)) || status=1

# A machine that has cuBLAS only inside PyTorch's environment: the same library serves both.
if [[ -z ${PEAKWARD_CUBLASLT_LIBRARY:-} ]] && ! ldconfig -p 2>/dev/null | grep -q libcublasLt; then
    found=$("$python" - <<'PYTHON' 2>/dev/null || true
import glob, os, sys
for folder in sys.path:
    for path in sorted(glob.glob(os.path.join(folder, "nvidia", "*", "lib", "libcublasLt.so.*"))):
        print(path)
PYTHON
    )
    if [[ -n $found ]]; then
        export PEAKWARD_CUBLASLT_LIBRARY=${found%%$'\n'*}
        say "cuBLASLt: $PEAKWARD_CUBLASLT_LIBRARY"
    fi
fi

PEAKWARD_GPU_PYTHON=$python "$ROOT/dev" test -L '^gpu$' || status=1
python3 bench/gpu_reach.py --build build/release --python "$python" --output "$out/gpu-evidence.json" || status=1
"$program" calibrate --force --device cuda:0 --python "$python" --db "$out/gpu.db" \
    --output "$out/gpu-run.json" --overwrite || status=1
exit "$status"
