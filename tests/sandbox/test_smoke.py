"""The stories of `make smoke-aws`: what they are made of, and that one which ends otherwise is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.demo.catalogue import DemoProduct, Launch, template_of
from sandbox.smoke.aws import story as module
from sandbox.smoke.aws.places import Place
from sandbox.smoke.aws.scripts import TEXTS, all_stories
from sandbox.smoke.aws.story import Script, Story, WrongError, play
from sandbox.smoke.aws.table import table

ARNS = {"notify_arn": "arn:notify", "verify_arn": "arn:verify"}
SAMPLE = DemoProduct("Sample", "data-sandbox.yaml", *TEXTS)


class Cloud:
    """CloudFormation with one stack, and whoever decides about it."""

    def __init__(self, status: str, state: str = "approved") -> None:
        self.status, self.decided = status, state

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        return {"Stacks": [{"StackStatus": self.status}]}

    def asked(self, _stack_id: str, _nth: int) -> str:
        return "GH-1"

    def decide(self, _stack_id: str, verdict: str) -> None:
        self.decided = verdict

    def state(self, _stack_id: str) -> str:
        return self.decided

    def known(self, verdict: str, _status: str) -> str:
        return verdict


class Running:
    """An installation whose parts all run."""

    def check(self) -> None:
        """Nothing ended."""


def story_in(cloud: Cloud, script: Callable[[Story], Script]) -> Story:
    place = Place("desk", "111122223333", lambda _: cloud, {}, "arn:key", cloud)
    story = Story("a story", place, SAMPLE, script, {})
    story._launch = Launch("rec-1", "pp-1", "arn:stack")
    return story


def played(*stories: Story) -> str:
    play(Running(), list(stories))  # type: ignore[arg-type]
    return table(list(stories))


def complete(story: Story) -> Script:
    return story.end("CREATE_COMPLETE", "approved")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AFTERWARDS", 0)
    monkeypatch.setattr(module, "PATIENCE", 0.5)


def test_a_change_that_changes_nothing_fails() -> None:
    with pytest.raises(ValueError, match="has no 'Timeout: 77'"):
        template_of(DemoProduct("No", "wordpress.yaml", *TEXTS, changes=(("Timeout: 77", ""),)), **ARNS)


def test_every_product_of_the_stories_can_be_made() -> None:
    place = story_in(Cloud(""), complete).place
    stories = all_stories(place, place, place)
    assert len(stories) == 20
    assert len({(story.title, story.product.name) for story in stories}) == 20
    for story in stories:
        template_of(story.product, **ARNS)


def test_a_story_that_ends_as_it_must_is_right() -> None:
    story = story_in(Cloud("CREATE_COMPLETE"), complete)
    assert played(story).splitlines()[1].endswith("ok")
    assert story.right


@pytest.mark.parametrize(("status", "state"), [("ROLLBACK_COMPLETE", "approved"), ("CREATE_COMPLETE", "bypassed")])
def test_a_story_that_ends_otherwise_is_wrong(status: str, state: str) -> None:
    story = story_in(Cloud(status, state), complete)
    assert "WRONG" in played(story)
    assert not story.right


def test_a_story_that_does_not_end_is_wrong() -> None:
    story = story_in(Cloud("CREATE_IN_PROGRESS"), complete)
    assert "not over after" in played(story)
    assert not story.right


def test_trouble_in_one_story_ends_that_one_alone() -> None:
    def stumble(_story: Story) -> Script:
        yield
        raise WrongError("stumbled")

    good, bad = story_in(Cloud("CREATE_COMPLETE"), complete), story_in(Cloud("CREATE_COMPLETE"), stumble)
    assert "WRONG: stumbled" in played(good, bad)
    assert (good.right, bad.right) == (True, False)


def test_a_story_without_an_end_is_wrong() -> None:
    def nothing(_story: Story) -> Script:
        yield

    story = story_in(Cloud("CREATE_COMPLETE"), nothing)
    played(story)
    assert not story.right
