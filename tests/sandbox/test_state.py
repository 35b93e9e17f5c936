"""What the sandbox keeps of its own, and when it looks for changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import snapshots, state


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    state.configure(None)


def test_document_survives_and_is_replaced_whole(tmp_path: Path) -> None:
    state.configure(tmp_path / "kept")
    assert state.load("catalogue") == {}
    state.save("catalogue", {"products": [1]})
    state.save("catalogue", {"products": [1, 2]})
    state.configure(tmp_path / "kept")
    assert state.load("catalogue") == {"products": [1, 2]}
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["catalogue.json"]


def test_document_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    state.configure(tmp_path)
    state.save("catalogue", {"products": [1]})
    with pytest.raises(TypeError):
        state.save("catalogue", {"products": object()})
    assert state.load("catalogue") == {"products": [1]}
    assert [path.name for path in tmp_path.iterdir()] == ["catalogue.json"]


def test_memory_is_not_shared_with_whoever_saved() -> None:
    state.configure(None)
    document = {"products": [1]}
    state.save("catalogue", document)
    document["products"].append(2)
    state.load("catalogue")["products"].append(3)
    assert state.load("catalogue") == {"products": [1]}


@pytest.mark.parametrize(
    ("method", "target", "start", "expected"),
    [
        ("POST", "", b"Action=CreateStack&Version=2010-05-15", True),
        ("POST", "", b"Action=DescribeStacks&Version=2010-05-15", False),
        ("POST", "AmazonSQS.CreateQueue", b"{}", True),
        ("POST", "AmazonSQS.ReceiveMessage", b"{}", False),
        ("POST", "TrentService.CreateKey", b"{}", True),
        ("PUT", "", b"<x/>", True),
        ("GET", "", b"", False),
    ],
)
def test_only_changes_are_worth_a_snapshot(method: str, target: str, start: bytes, expected: bool) -> None:
    assert snapshots.changes(method, {"x-amz-target": target}, start) is expected
