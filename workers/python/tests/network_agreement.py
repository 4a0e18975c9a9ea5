"""Whether frameworks agree with a network's reference: `python network_agreement.py FOLDER...`.

Uses what this interpreter has of PyTorch and ONNX Runtime; having neither is an error. The limits
are the catalog's (src/catalog/operations/networks.cpp).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from peakward_worker.network_ort import OrtNetwork  # noqa: E402
from peakward_worker.network_torch import TorchNetwork  # noqa: E402

LIMITS = {"fp32": 1e-3, "fp16": 5e-2, "bf16": 5e-2}


def module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def deviations(folder: str) -> dict[str, float]:
    found: dict[str, float] = {}
    torch, onnxruntime = module("torch"), module("onnxruntime")
    if torch is not None:
        devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        for device in devices:
            for precision, dtype in types.items():
                network = TorchNetwork(torch, folder, dtype, device)
                output = network.run(network.input())
                assert list(output.shape) == network.files.output_shape
                found[f"torch {device} {precision}"] = network.deviation(output)
    if onnxruntime is not None:
        numpy = importlib.import_module("numpy")
        for provider in onnxruntime.get_available_providers():
            if provider not in ("CPUExecutionProvider", "CUDAExecutionProvider"):
                continue
            session = OrtNetwork(onnxruntime, numpy, folder, [provider])
            found[f"onnxruntime {provider[:-17].lower()} fp32"] = session.deviation(
                session.run(session.input())
            )
    return found


def main() -> int:
    bad = 0
    for folder in sys.argv[1:]:
        found = deviations(folder)
        bad += not found
        for who, deviation in found.items():
            limit = LIMITS[who.split()[-1]]
            bad += not deviation <= limit
            verdict = "agrees" if deviation <= limit else "DIFFERS"
            print(f"{Path(folder).name:40} {who:24} {deviation:.2e} of {limit:.0e}: {verdict}")
    return 1 if bad or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
