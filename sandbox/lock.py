"""`make lock`: resolve the ranges of pyproject.toml into requirements/*.txt.

Universal (Python 3.11–3.14, every platform), with hashes, naming no registry. The smaller locks are resolved
under the largest, so that the demo, the tests and a server run the same versions.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = "requirements/dev.txt"
FLAGS = (
    "--universal --python-version=3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet"
)


def compile_lock(target: str, *extras: str) -> None:
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *FLAGS.split(),
        "pyproject.toml",
        f"--output-file={target}",
    ]
    command += [f"--extra={extra}" for extra in extras]
    if target != LARGEST:
        command.append(f"--constraint={LARGEST}")
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own words


if __name__ == "__main__":
    compile_lock(LARGEST, "sandbox", "dev")
    compile_lock("requirements/sandbox.txt", "sandbox")
    compile_lock("requirements/app.txt")
