"""The files that describe an installation stay true: every setting is explained, every secret is made."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal import providers
from sandbox.compose import dotenv

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r'(?:env\.(?:text|flag|items|number|origin|database|choice)|providers\.groups)\(\s*"([A-Z_]+)"')
# What each kind of sign-in provider reads, behind its prefix.
PROVIDERS = {"OIDC": providers._oidc, "SAML": providers._saml}
BOTO3 = {"AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"}


def test_every_setting_is_explained_in_the_example_and_nothing_else() -> None:
    read = set(READ.findall((ROOT / "portal" / "settings.py").read_text()))
    explained = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for kind, reader in PROVIDERS.items():
        sources = inspect.getsource(reader) + inspect.getsource(providers._common)
        read |= {f"GATEHOUSE_{kind}_{name}" for name in re.findall(r"\{prefix\}([A-Z_]+)", sources)}
    assert explained - BOTO3 == read - BOTO3


def test_every_secret_the_containers_need_is_made_and_none_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dotenv, "PATH", tmp_path / ".env")
    dotenv.main()
    made = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    compose = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{([A-Z_]+)", compose)) == set(made)
    assert all(len(value) >= 40 for value in made.values())
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_secrets_of_the_containers_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dotenv, "PATH", tmp_path / ".env")
    dotenv.main()
    first = (tmp_path / ".env").read_text()
    dotenv.main()
    assert (tmp_path / ".env").read_text() == first


def test_make_alone_explains_every_target() -> None:
    said = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True)
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^  make (\S+) +\S", said.stdout, re.MULTILINE) == targets


def test_secrets_script_needs_nothing_installed(tmp_path: Path) -> None:
    script = tmp_path / "sandbox" / "compose" / "dotenv.py"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "sandbox" / "compose" / "dotenv.py").read_text())
    subprocess.run([sys.executable, "-I", "-S", str(script)], check=True, capture_output=True)
    assert (tmp_path / ".env").exists()
