"""A desk that is made for one run, and its approver."""

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from sandbox.demo import claim, database, interruptions
from sandbox.demo.__main__ import say
from sandbox.demo.cast import APPROVER, cast
from sandbox.demo.environment import Ports
from sandbox.demo.installation import Installation
from sandbox.processes import free_port
from sandbox.smoke.browser import Browser


@contextlib.contextmanager
def fresh(spokes: Collection[str] = ()) -> Iterator[Installation]:
    """A desk of its own on free ports, of which nothing stays."""
    home = Path(tempfile.mkdtemp(prefix="gatehouse-smoke-"))
    installation = Installation(home, Ports(free_port(), free_port()), say, fsync=False, spokes=spokes)
    try:
        with claim.claimed(home), installation:
            database.connect(installation.environment)
            yield installation
    finally:
        interruptions.ignore()
        installation.postgres.forget()
        shutil.rmtree(home, ignore_errors=True)


def approver(installation: Installation) -> Browser:
    """The session of somebody who may decide."""
    person = next(person for person in cast(installation.home) if person.part == APPROVER)
    desk = Browser(installation.ports.desk_url)
    desk.sign_in(person.email, person.password)
    return desk
