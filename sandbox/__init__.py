"""AWS on one local port: MiniStack in one process, plus what it lacks. Development only, loopback only.

Nothing outside this package and its tests imports it. Run it with `python -m sandbox`.
"""
