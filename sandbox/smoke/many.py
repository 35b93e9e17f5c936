"""`--many N`: from the decision to the PUT stored, and from there to the end of the wait.

The moment of the decision is the desk's, taken before its transaction; of the PUT, the sandbox's S3; of the wait's
end, CloudFormation's event. All clocks are this machine's.
"""

import json
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.demo.installation import Installation
from sandbox.smoke.evidence import UNDECIDED, Evidence, at_the_desk, gather
from sandbox.smoke.stories import Acting, Story, approve

PATIENCE = 180.0


def measure(installation: Installation, acting: Acting, count: int, pace: float) -> int:
    """Print median and p95 of both spans over `count` launches, one approved every `pace` seconds.

    Returns 0 when every one went on.
    """
    stories = [Story(f"{n} of many", approve, "CREATE_COMPLETE", "approved", timeout=3600) for n in range(count)]
    for story in stories:
        story.launch(installation.clients)
    _wait(installation, stories, lambda facts: "opened" in facts)
    for story in stories:
        story.evidence = Evidence(**at_the_desk(story.stack_id))
        began = time.monotonic()
        story.act(acting, story)
        time.sleep(max(0.0, began + pace - time.monotonic()))
    _wait(installation, stories, lambda facts: facts.get("outcome", "") not in UNDECIDED)
    for story in stories:
        story.evidence = gather(installation.clients("cloudformation"), story.stack_id)
    good = [story for story in stories if story.as_expected]
    sys.stdout.write(f"\n{len(good)} of {count} launches approved, one every {pace:g} s, and complete\n")
    if len(good) > 1:
        puts = _puts(installation.ports.sandbox_url)
        stored = [_ms(s.evidence.closed, puts.get(s.stack_id)) for s in good]
        ended = [_ms(puts.get(s.stack_id), s.evidence.wait_ended) for s in good]
        sys.stdout.write(_line("decision committed → PUT stored", stored))
        sys.stdout.write(_line("PUT stored → wait ended", ended))
    return 0 if len(good) == count else 1


def _wait(installation: Installation, stories: list[Story], done: Callable[[dict[str, Any]], bool]) -> None:
    """Until the desk's rows of all of them say so, or the time is over. AWS is left alone: it has work to do."""
    until = time.monotonic() + PATIENCE
    left = [story.stack_id for story in stories]
    while left and time.monotonic() < until:
        installation.check()
        left = [stack_id for stack_id in left if not done(at_the_desk(stack_id))]
        time.sleep(0.5)


def _puts(sandbox_url: str) -> dict[str, datetime]:
    """When S3 took the desk's signal of each stack, by stack id."""
    with urllib.request.urlopen(f"{sandbox_url}/_gatehouse/puts", timeout=20) as answer:  # noqa: S310
        ours = [put for put in json.load(answer) if put["effective"] and (put["UniqueId"] or "").startswith("gh-")]
    # A key is <stack id>/<uuid>/<logical id of the handle>.
    return {put["key"].rsplit("/", 2)[0]: datetime.fromisoformat(put["time"]) for put in ours}


def _ms(start: datetime | None, end: datetime | None) -> float:
    if start is None or end is None:
        raise ValueError("a complete launch has a decision, a signal and an end of its wait")
    return (end - start).total_seconds() * 1000


def _line(name: str, spans: list[float]) -> str:
    p95 = statistics.quantiles(spans, n=20, method="inclusive")[-1]
    numbers = {"median": statistics.median(spans), "p95": p95, "max": max(spans)}
    return f"  {name:34}" + "".join(f"  {word} {value:5.0f} ms" for word, value in numbers.items()) + "\n"
