"""The list of time zones: each place once, under the name that counts, with how far it is from UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from portal import clock
from portal.accounts import zones
from portal.accounts.models import User
from tests.support.cast import Cast


def offered(chosen: str = "") -> dict[str, str]:
    groups = [found for _region, found in zones.choices(chosen) if isinstance(found, list)]
    return {name: said for found in groups for name, said in found}


def test_each_place_has_one_name_with_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, tzinfo=UTC))
    found = offered()
    assert found["Asia/Shanghai"] == "Shanghai (UTC+8)"
    assert found["Asia/Kolkata"] == "Kolkata (UTC+5:30)"
    assert found["Europe/London"] == "London (UTC)"
    assert "Asia/Calcutta" not in found
    assert len(found) < 450


def test_a_name_of_old_that_somebody_chose_stays_theirs(cast: Cast, client_for: Any) -> None:
    User.objects.filter(pk=cast.approver.pk).update(time_zone="Asia/Calcutta")
    client: Client = client_for(cast.approver)
    assert 'value="Asia/Calcutta" selected' in client.get("/preferences/").content.decode()
    assert client.post("/preferences/", {"language": "en", "time_zone": "Asia/Calcutta"}).status_code == 302
    assert client.post("/preferences/", {"language": "en", "time_zone": "Asia/Saigon"}).status_code == 422


def test_a_zone_this_machine_does_not_know_breaks_nothing() -> None:
    assert "Mars/Olympus" not in offered("Mars/Olympus")
    assert "Asia/Shanghai" in offered("Mars/Olympus")
