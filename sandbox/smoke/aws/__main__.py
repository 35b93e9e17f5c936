"""`make smoke-aws`: launches and updates in three accounts, approved, rejected, expired, late, broken and forged."""

import sys
import time

from sandbox.demo import interruptions
from sandbox.demo.__main__ import say
from sandbox.problems import ProblemError
from sandbox.smoke.aws import places
from sandbox.smoke.aws.desk import Desk
from sandbox.smoke.aws.figures import figures
from sandbox.smoke.aws.scripts import all_stories
from sandbox.smoke.aws.story import play
from sandbox.smoke.aws.table import table
from sandbox.smoke.fresh import approver, fresh


def main() -> int:
    interruptions.listen()
    began = time.monotonic()
    try:
        with fresh(spokes=[places.SPOKE]) as installation:
            desk = Desk(approver(installation))
            say("deploying a hub without a desk and a spoke into two more accounts")
            here = places.with_desk(installation, desk)
            alone = places.standalone(installation.ports.sandbox_url)
            there = places.spoke(installation, desk)
            stories = all_stories(here, alone, there)
            for place in (here, alone, there):
                offered = {story.product.name: story.product for story in stories if story.place is place}
                place.register(offered.values())
            say(f"playing {len(stories)} stories side by side\n")
            play(installation, stories)
            sys.stdout.write(table(stories))
            sys.stdout.flush()
            measured = next(story for story in stories if story.place is alone)
            sys.stdout.write(f"\n{figures([here, alone, there], alone, measured.stack_id)}")
    except KeyboardInterrupt:
        return 130
    except ProblemError as problem:
        sys.stderr.write(f"gatehouse: {problem}\n")
        return 1
    good = sum(story.right for story in stories)
    sys.stdout.write(f"\n{good} of {len(stories)} as they must be, in {time.monotonic() - began:.0f} s\n")
    return 0 if good == len(stories) else 1


if __name__ == "__main__":
    sys.exit(main())
