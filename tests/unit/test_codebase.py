"""What holds for the code as a whole."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from approvals.audit import Event
from approvals.choices import AlarmCode, NoticeCode, Outcome, SignalStatus, State
from approvals.sentences import _SENTENCES

ROOT = Path(__file__).resolve().parents[2]
OURS = {"lambdas", "catalog", "approvals", "portal", "sandbox", "tests"}
# Design §6: who may import whom. `portal` knows the domain's urls only, through strings and include().
MAY_IMPORT = {
    "lambdas": {"lambdas"},
    "catalog": {"catalog", "portal"},
    "portal": {"portal"},
    "approvals": {"approvals", "catalog", "portal"},
    "sandbox": {"sandbox", "approvals", "lambdas"},
}


def modules(package: str) -> Iterator[Path]:
    yield from (path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_the_design_allows(package: str) -> None:
    allowed = MAY_IMPORT[package]
    for path in modules(package):
        ours = {name.partition(".")[0] for name in imported(path)} & OURS
        assert ours <= allowed, f"{path.relative_to(ROOT)} imports {sorted(ours - allowed)}"


def test_only_urls_lead_from_the_domain_to_its_pages() -> None:
    for path in modules("approvals"):
        where = path.relative_to(ROOT / "approvals")
        if where.parts[0] != "views" and where.name != "urls.py":
            pages = {name for name in imported(path) if f"{name}.".startswith("approvals.views.")}
            assert not pages, f"approvals/{where} imports {sorted(pages)}"


def test_the_lambdas_need_the_standard_library_and_boto3_only() -> None:
    import sys

    for path in [*(ROOT / "lambdas" / "notify").glob("*.py"), *(ROOT / "lambdas" / "verify").glob("*.py")]:
        roots = {name.partition(".")[0] for name in imported(path)}
        assert roots <= {*sys.stdlib_module_names, "boto3", "botocore", "lambdas"}, path


def test_time_is_asked_in_one_place() -> None:
    clock = re.compile(r"timezone\.now\(|datetime\.now\(|datetime\.utcnow\(|functions import .*\bNow\b")
    for package in ("approvals", "catalog", "portal"):
        for path in modules(package):
            if path != ROOT / "portal" / "clock.py":
                assert not clock.search(path.read_text("utf-8")), f"{path.relative_to(ROOT)} asks another clock"


def test_every_audit_event_has_a_sentence() -> None:
    assert set(_SENTENCES) == set(Event)


def test_every_notice_has_its_mail() -> None:
    mails = ROOT / "approvals" / "templates" / "approvals" / "mail"
    for code in NoticeCode:
        names = {path.name for path in (mails / code.value).iterdir()}
        assert names == {"subject.txt", "lead.txt", "next.txt"}, code


def test_every_status_has_its_look() -> None:
    for vocabulary in (State, SignalStatus, Outcome):
        assert all(member.look for member in vocabulary)
    assert all(state.icon for state in State)
    assert all(code.label for code in AlarmCode)


def test_the_lock_names_no_registry_and_every_pin_has_a_hash() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text("utf-8")
        assert "://" not in text, lock.name
        assert "--index-url" not in text
        pins = re.findall(r"^[a-z0-9][\w.\-\[\],]*==", text, re.MULTILINE)
        blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
        assert len(pins) == len(blocks) > 30
        assert all("--hash=sha256:" in block for block in blocks), lock.name


def test_the_smaller_locks_agree_with_the_larger() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text("utf-8")
        return dict(re.findall(r"^([a-z0-9][\w.\-]*)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE))

    dev = pins("dev.txt")
    for name in ("app.txt", "sandbox.txt"):
        assert pins(name).items() <= dev.items(), name


def test_the_envelope_schema_is_a_schema() -> None:
    import jsonschema

    schema = json.loads((ROOT / "lambdas" / "envelope.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
