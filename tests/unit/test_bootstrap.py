"""What `make` does before anything of ours is installed: obstacles are one sentence, nothing half-made is trusted."""

import ast
import json
import sys
from pathlib import Path

import pytest

from sandbox import bootstrap
from sandbox.bootstrap import SetupError


def test_it_starts_on_a_python_that_is_too_old_to_say_so() -> None:
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 6))


def test_too_old_a_python_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2, "final", 0))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(SetupError, match=r"needs Python 3\.11 to 3\.14"):
        bootstrap.check_python()


def test_newer_python_on_the_path_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken_over: list[str] = []

    def execv(path: str, _arguments: list[str]) -> None:
        taken_over.append(path)
        raise SystemExit

    monkeypatch.setattr(sys, "version_info", (3, 10, 2, "final", 0))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    monkeypatch.setattr("os.execv", execv)
    with pytest.raises(SystemExit):
        bootstrap.check_python()
    assert taken_over == ["/usr/bin/python3.12"]


def test_missing_venv_module_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(SetupError, match=r"apt install python3\.\d+-venv"):
        bootstrap.check_venv_module()


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("ERROR: No matching distribution found for boto3==1", "index cannot be reached"),
        ("NewConnectionError('…')\nERROR: No matching distribution found for boto3==1", "index cannot be reached"),
        ("  Downloading a.whl\nERROR: No matching distribution found for nh3==0.3", "nh3 has no ready-made build"),
        ("  Downloading a.whl\nERROR: [Errno 28] No space left on device", "disk is full"),
        ("  Downloading a.whl\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "pip failed: THESE PACKAGES"),
    ],
)
def test_failed_installation_is_one_sentence(log: str, sentence: str) -> None:
    assert sentence in bootstrap.reason(log)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stamped `.venv` whose interpreter is the one that runs the tests."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("boto3==1\n")
    stamp = tmp_path / ".venv" / "gatehouse.json"
    stamp.parent.mkdir()
    for name, value in {"ROOT": tmp_path, "VENV": stamp.parent, "PYTHON": Path(sys.executable), "STAMP": stamp}.items():
        monkeypatch.setattr(bootstrap, name, value)
    stamp.write_text(json.dumps({"level": "dev", "lock": bootstrap.lock_hash(), "path": str(stamp.parent)}))
    return tmp_path


def test_complete_environment_is_left_alone_also_for_a_smaller_level(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "install", lambda _level: pytest.fail("nothing to install"))
    bootstrap.main("dev")
    bootstrap.main("sandbox")


def test_changed_lock_installs_the_level_that_was_there(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (environment / "requirements" / "dev.txt").write_text("boto3==2\n")
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "install", installed.append)
    bootstrap.main("sandbox")
    assert installed == ["dev"]
    assert bootstrap.installed_level() == ("dev", True)


def test_interrupted_installation_leaves_no_stamp(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_level: str) -> None:
        raise KeyboardInterrupt

    (environment / "requirements" / "dev.txt").write_text("boto3==2\n")
    monkeypatch.setattr(bootstrap, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.main("dev")
    assert bootstrap.installed_level() == ("", False)


def test_environment_copied_from_elsewhere_is_made_anew(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "VENV", environment / "moved" / ".venv")
    assert bootstrap.installed_level() == ("", False)
