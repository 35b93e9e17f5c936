"""`make smoke`: four launches end to end, or with `--many N` how fast decisions reach CloudFormation."""

import argparse
import sys
import time

from sandbox.demo import interruptions
from sandbox.demo.__main__ import say
from sandbox.demo.installation import Installation
from sandbox.problems import ProblemError
from sandbox.smoke import many
from sandbox.smoke.evidence import gather
from sandbox.smoke.fresh import approver, fresh
from sandbox.smoke.stories import Acting, Story, four
from sandbox.smoke.timeline import timeline

PATIENCE = 75.0


def play(installation: Installation, acting: Acting, stories: list[Story]) -> None:
    """Launch them all at once, act on each as soon as the desk shows it, and wait until all have ended."""
    cloudformation = installation.clients("cloudformation")
    for story in stories:
        story.launch(installation.clients)
    until = time.monotonic() + PATIENCE
    while not all(story.evidence.settled for story in stories) and time.monotonic() < until:
        installation.check()
        for story in stories:
            if not story.evidence.settled:
                story.evidence = gather(cloudformation, story.stack_id)
            if story.evidence.opened and not story.acted:
                story.acted = True
                story.act(acting, story)
        time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.smoke", description=__doc__)
    parser.add_argument("--many", type=int, default=0, metavar="N", help="approve N launches and measure")
    parser.add_argument("--pace", type=float, default=0.5, metavar="S", help="seconds between approvals; 0 is a burst")
    options = parser.parse_args()
    interruptions.listen()
    began = time.monotonic()
    try:
        with fresh() as installation:
            acting = Acting(approver(installation), installation.clients)
            if options.many:
                return many.measure(installation, acting, options.many, options.pace)
            stories = four()
            say("launching: approve, reject, let expire, signal by hand without a receipt\n")
            play(installation, acting, stories)
    except KeyboardInterrupt:
        return 130
    except ProblemError as problem:
        sys.stderr.write(f"gatehouse: {problem}\n")
        return 1
    sys.stdout.write("\n".join(timeline(story) for story in stories))
    good = all(story.as_expected for story in stories)
    sys.stdout.write(f"\n{'passed' if good else 'FAILED'} in {time.monotonic() - began:.0f} s\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
