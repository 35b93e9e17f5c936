"""Makes `.venv` and installs the locked packages: `python3 bootstrap.py sandbox|dev`. Standard library only.

The stamp in `.venv` is written last and removed first, so a folder with a matching stamp is complete, and any
other (interrupted, copied from elsewhere, of a Python that is gone) is made anew. It has to start on a Python
that is too old, only to say so: no syntax newer than 3.6 here.
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
LEVELS = ["sandbox", "dev"]  # each contains the one before
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "gatehouse.json"
LOG = VENV / "install.log"
MULTI = re.MULTILINE


class SetupError(Exception):
    """One sentence for the person at the terminal."""


def check_python() -> None:
    """Go on with a supported Python: this one, or another on PATH that takes over the process."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other:
            os.execv(other, [other, *sys.argv])  # noqa: S606
    here = platform.python_version()
    raise SetupError(f"Gatehouse needs Python 3.11 to 3.14, this is {here} (make PYTHON=... names another).")


def check_venv_module() -> None:
    """Debian and Ubuntu split `venv` into a package of its own."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        package = f"python3.{sys.version_info[1]}-venv"
        raise SetupError(f"This Python has no venv module: `apt install {package}` adds it.")


def lock_hash() -> str:
    """Changes whenever any locked version does."""
    together = hashlib.sha256()
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        together.update(path.read_bytes())
    return together.hexdigest()


def installed_level() -> "tuple[str, bool]":
    """(level, whether its lock is current) of a complete environment; ("", False): it must be made anew."""
    try:
        stamp = json.loads(STAMP.read_text())
        level, same_place = stamp["level"], stamp["path"] == str(VENV)
        runs = not subprocess.call([str(PYTHON), "-c", ""])  # noqa: S603
    except (OSError, ValueError, KeyError):
        return "", False
    if not same_place or not runs or level not in LEVELS:
        return "", False
    return level, stamp["lock"] == lock_hash()


def make_environment() -> None:
    """An empty `.venv` with pip."""
    say(f"making .venv with Python {platform.python_version()}")
    check_venv_module()
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if made.returncode:
        last = made.stdout.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise SetupError(f"Python could not make .venv: {last or 'no reason given'}")


def install(level: str) -> None:
    """Install the lock of this level, showing how far it is."""
    lock = ROOT / "requirements" / f"{level}.txt"
    total = len(re.findall(r"^[\w.\[\]-]+==", lock.read_text(), MULTI))
    options = ["--require-hashes", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    command = [str(PYTHON), "-m", "pip", "install", *options, "-r", str(lock)]
    say(f"installing {total} packages")
    with LOG.open("wb") as log:
        pip = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        watch(pip, total)
    except BaseException:
        pip.terminate()
        pip.wait()
        raise
    if pip.returncode:
        raise SetupError(reason(LOG.read_text(errors="replace")))


def watch(pip: "subprocess.Popen[bytes]", total: int) -> None:
    """Report every tenth part: packages fetched for the first half, packages in place for the second."""
    shown = 0
    while pip.poll() is None:
        time.sleep(0.2)
        text = LOG.read_text(errors="replace")
        fetched = len(re.findall(r"^(?:Collecting|Requirement already satisfied)", text, MULTI))
        placed = len(list(VENV.glob("lib/python*/site-packages/*.dist-info"))) if "Installing" in text else 0
        percent = min(99, (fetched + placed) * 50 // total)
        if percent >= shown + 10:
            shown = percent - percent % 10
            say(f"{shown:3} %  {'unpacking' if placed else 'fetching'}")


def reason(log: str) -> str:
    """What went wrong, in one sentence, from pip's output."""
    broken = re.search(r"NewConnectionError|NameResolutionError|ReadTimeout|ConnectTimeout|ProxyError", log)
    if broken or not re.search(r"^ *(?:Downloading|Using cached|Processing|Requirement already)", log, MULTI):
        return f"The Python package index cannot be reached; {LOG} has pip's own words."
    missing = re.search(r"No matching distribution found for ([\w.-]+)", log)
    if missing:
        here = f"{sys.platform} on {platform.machine()}, Python {platform.python_version()}"
        return f"{missing.group(1)} has no ready-made build for this platform ({here})."
    if "No space left on device" in log:
        return "The disk is full."
    errors = re.findall(r"^ERROR: (.*)$", log, MULTI)
    return f"pip failed: {errors[-1] if errors else LOG}"


def say(sentence: str) -> None:
    """Progress, visible at once."""
    print(f"  {sentence}", flush=True)


def main(wanted: str) -> None:
    """Bring `.venv` to the wanted level; does nothing when it is there."""
    check_python()
    found, current = installed_level()
    level = max(found or wanted, wanted, key=LEVELS.index)
    if current and level == found:
        return
    started = time.time()
    if found:
        STAMP.unlink()
    else:
        make_environment()
    install(level)
    stamp = {"level": level, "lock": lock_hash(), "path": str(VENV)}
    STAMP.write_text(json.dumps(stamp))
    say(f"installed in {time.time() - started:.0f} s")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(sys.argv[1])
    except SetupError as problem:
        sys.exit(f"gatehouse: {problem}")
    except KeyboardInterrupt:
        sys.exit("gatehouse: interrupted; the next start begins the installation again.")
