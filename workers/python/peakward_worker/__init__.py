"""Workers of Peakward in Python: `python -m peakward_worker BACKEND` (docs/worker-protocol.md)."""
