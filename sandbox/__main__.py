"""`python -m sandbox --port 4566 --state DIR`."""

import argparse
from pathlib import Path

from sandbox import server
from sandbox.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--host", default="127.0.0.1", help="interface to listen on (default: loopback only)")
    parser.add_argument("--public-host", default="localhost", help="host name in the URLs the sandbox hands out")
    parser.add_argument("--state", type=Path, help="folder that keeps the sandbox's state; without it nothing is kept")
    parser.add_argument("--log-level", default="CRITICAL", help="of MiniStack (default: %(default)s)")
    options = parser.parse_args()
    state = options.state.resolve() if options.state else None
    server.run(Settings(options.port, options.host, options.public_host, state, options.log_level))


if __name__ == "__main__":
    main()
