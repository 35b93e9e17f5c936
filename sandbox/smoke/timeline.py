"""Prints what happened when, in seconds since the launch."""

from datetime import datetime

from sandbox.smoke.stories import Story


def timeline(story: Story) -> str:
    """One launch as a short table, with a mark that says whether it ended as it must."""
    seen = story.evidence
    moments = [
        ("launched", story.started),
        ("request opened", seen.opened),
        (seen.state or "decided", seen.closed),
        ("signal stored", seen.stored),
        ("wait ended", seen.wait_ended),
        (seen.status or "stack ended", seen.finished),
    ]
    mark = "as it must" if story.as_expected else f"WRONG: must be {story.status}, {story.state}"
    lines = [f"{story.title}  ({seen.number or 'the desk never heard of it'})"]
    lines += [f"  {seconds(story.started, moment)}  {name}" for name, moment in moments if moment]
    return "\n".join([*lines, f"  stack {seen.status}, request {seen.state}: {mark}", ""])


def seconds(since: datetime, moment: datetime) -> str:
    return f"{(moment - since).total_seconds():8.2f} s"
