"""Workers of Peakward in Python: `__main__.py BACKEND` (docs/worker-protocol.md)."""
