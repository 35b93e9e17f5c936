"""Measurements: `python -m benchmarks.NAME`. They say how long things take; no test depends on them."""
