"""`python -m peakward_worker BACKEND`: answers the host's requests until shutdown."""

import os
import sys

# Name of the backend, its module here, its class.
BACKENDS = {
    "numpy": ("numpy_backend", "NumpyBackend"),
    "pytorch": ("pytorch_backend", "PytorchBackend"),
    "onnxruntime": ("onnxruntime_backend", "OnnxruntimeBackend"),
    "jax": ("jax_backend", "JaxBackend"),
}
OLDEST_PYTHON = (3, 8)


def refuse_old_python():
    # type: () -> int
    """Answers every request with the reason: the modules beside this one do not parse here."""
    import json

    reason = "%s is Python %d.%d, and the workers need %d.%d: name another with --python" % (
        sys.executable,
        sys.version_info[0],
        sys.version_info[1],
        OLDEST_PYTHON[0],
        OLDEST_PYTHON[1],
    )
    for line in sys.stdin:
        try:
            number = json.loads(line).get("id")
        except (ValueError, AttributeError):
            number = None
        sys.stdout.write(json.dumps({"id": number, "ok": False, "error": reason}) + "\n")
        sys.stdout.flush()
    return 0


def main(arguments):
    # type: (list[str]) -> int
    """Returns the exit code."""
    if len(arguments) != 1 or arguments[0] not in BACKENDS:
        sys.stderr.write("usage: %s -m peakward_worker %s\n" % (sys.executable, "|".join(BACKENDS)))
        return 2
    if sys.version_info[:2] < OLDEST_PYTHON:
        return refuse_old_python()
    # `-m` puts the current folder first: a numpy.py or random.py that lies there is not the stack
    # under test.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    import importlib

    from peakward_worker.protocol import serve

    module, name = BACKENDS[arguments[0]]
    return serve(getattr(importlib.import_module("peakward_worker." + module), name)())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
