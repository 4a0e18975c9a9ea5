"""`python .../peakward_worker/__main__.py BACKEND`: answers the host's requests until shutdown.

The host names this file by its path, so that nothing is looked for in the current folder. It has to
parse in every Python, and to say no in those that are too old.
"""

import os
import sys

PACKAGE = os.path.dirname(os.path.realpath(__file__))

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
    # Not `for line in sys.stdin`: Python 2 reads ahead there and waits for 8 KiB.
    for line in iter(sys.stdin.readline, ""):
        try:
            number = json.loads(line).get("id")
        except (ValueError, AttributeError):
            number = None
        sys.stdout.write(json.dumps({"id": number, "ok": False, "error": reason}) + "\n")
        sys.stdout.flush()
    return 0


def use_our_package():
    # type: () -> None
    """Puts the folder above first and takes out its own, whose modules have common names."""
    others = [folder for folder in sys.path if folder and os.path.realpath(folder) != PACKAGE]
    sys.path[:] = [os.path.dirname(PACKAGE)] + others


def main(arguments):
    # type: (list[str]) -> int
    """Returns the exit code."""
    use_our_package()
    if len(arguments) != 1 or arguments[0] not in BACKENDS:
        sys.stderr.write("usage: %s %s %s\n" % (sys.executable, __file__, "|".join(BACKENDS)))
        return 2
    if sys.version_info[:2] < OLDEST_PYTHON:
        return refuse_old_python()
    import importlib

    from peakward_worker.protocol import serve

    module, name = BACKENDS[arguments[0]]
    return serve(getattr(importlib.import_module("peakward_worker." + module), name)())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
