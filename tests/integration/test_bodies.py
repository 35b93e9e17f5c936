"""Large bodies are taken from people who are signed in, and from nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.bodies import USUAL
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch


class Unread:
    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize("verb", ["comment", "preview"])
def test_a_stranger_s_upload_is_refused_unread(cast: Cast, client_for: Callable[[User], Client], verb: str) -> None:
    url = f"{open_launch(now()).get_absolute_url()}{verb}/"
    environ: dict[str, Any] = {"CONTENT_LENGTH": str(USUAL + 1), "wsgi.input": Unread()}
    answer = Client().generic("POST", url, b"", "multipart/form-data; boundary=x", **environ)
    assert answer.status_code == 413
    signed_in = client_for(cast.requester).post(url, {"text": "A log:", "more": "x" * (USUAL + 1)})
    assert signed_in.status_code in (200, 302)
