"""Commands for people and scripts."""

import json
import stat
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from approvals import rules
from approvals.choices import Channel, State
from approvals.models import Decision, LaunchRequest
from portal.accounts.models import Principal, User
from portal.clock import now
from tests.support.cast import Cast
from tests.support.launches import open_launch

Run = Callable[..., str]


@pytest.fixture
def run() -> Run:
    def run(*arguments: str) -> str:
        out = StringIO()
        call_command(*arguments, stdout=out)
        return out.getvalue()

    return run


class TestMakeCast:
    @pytest.fixture(autouse=True)
    def _home(self, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))

    def test_there_is_one_person_per_role(self, run: Run) -> None:
        run("make_cast")
        people = {user.email.partition("@")[0]: user for user in User.objects.all()}
        assert set(people) == {"ada", "amir", "bea", "rita", "ravi", "otto"}
        assert people["ada"].is_administrator
        assert people["otto"].is_auditor
        assert {name for name, person in people.items() if rules.is_approver(person)} == {"amir", "bea"}

    def test_their_passwords_are_theirs_to_read_only(self, run: Run, tmp_path: Path) -> None:
        run("make_cast")
        path = tmp_path / "secrets" / "cast.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        passwords = json.loads(path.read_text())
        assert all(User.objects.get(email=email).check_password(word) for email, word in passwords.items())
        assert not any(word in run("make_cast") for word in passwords.values())

    def test_again_changes_nothing(self, run: Run, tmp_path: Path) -> None:
        run("make_cast")
        before = (tmp_path / "secrets" / "cast.json").read_text(), list(User.objects.order_by("pk").values())
        run("make_cast")
        assert before == ((tmp_path / "secrets" / "cast.json").read_text(), list(User.objects.order_by("pk").values()))

    def test_a_desk_in_the_world_gets_no_cast(self, run: Run, settings: Any) -> None:
        settings.SECURE = True
        with pytest.raises(CommandError, match="The cast is for demonstrations"):
            run("make_cast")
        assert not User.objects.exists()

    def test_a_demo_launch_by_rita_is_known_to_be_hers(self, run: Run) -> None:
        run("make_cast")
        launch = open_launch(now())
        assert launch.requester == User.objects.get(email="rita@example.com")
        assert Principal.objects.filter(arn=launch.principal_arn).count() == 1


class TestDecide:
    def test_an_approver_decides_and_the_channel_is_recorded(self, cast: Cast, run: Run) -> None:
        launch = open_launch(now())
        assert run("decide", launch.number, "approve", "--as", "AMIR@example.com") == f"{launch.number}: approved\n"
        assert Decision.objects.get().channel == Channel.COMMAND

    @pytest.mark.parametrize(
        ("who", "verdict", "sentence"),
        [
            ("rita@example.com", "approve", "Nobody decides on a launch of their own"),
            ("ada@example.com", "approve", "You may not do this"),
            ("olga@example.com", "approve", "There is no such request"),
            ("amir@example.com", "reject", "Please write a sentence"),
            ("nobody@example.com", "approve", "There is nobody with the address"),
        ],
    )
    def test_the_rules_are_the_desks(self, cast: Cast, run: Run, who: str, verdict: str, sentence: str) -> None:
        launch = open_launch(now())
        with pytest.raises(CommandError, match=sentence):
            run("decide", launch.number, verdict, "--as", who)
        launch.refresh_from_db()
        assert launch.state == State.PENDING

    def test_a_number_that_is_none_is_a_sentence(self, cast: Cast, run: Run) -> None:
        with pytest.raises(CommandError, match="is not a request number"):
            run("decide", "GH-x", "approve", "--as", "amir@example.com")


class TestRequestJson:
    def test_times_are_null_until_the_step_has_happened(self, cast: Cast, run: Run) -> None:
        launch = open_launch(now())
        shown = json.loads(run("request_json", launch.number))
        assert shown["number"] == launch.number
        assert (shown["state"], shown["signal"], shown["outcome"]) == ("pending", "none", "waiting")
        assert shown["decided_at"] is shown["stored_at"] is shown["hold_ended_at"] is shown["outcome_at"] is None
        assert shown["deadline"].endswith("+00:00")
        run("decide", launch.number, "approve", "--as", "amir@example.com")
        assert json.loads(run("request_json", "--stack", launch.stack_id))["decided_at"]

    def test_all_that_waits_is_a_list(self, cast: Cast, run: Run) -> None:
        first, second = open_launch(now()), open_launch(now())
        run("decide", first.number, "approve", "--as", "amir@example.com")
        assert [shown["number"] for shown in json.loads(run("request_json", "--all-open"))] == [second.number]

    def test_an_unknown_request_is_a_sentence(self, db: None, run: Run) -> None:
        with pytest.raises(CommandError, match="There is no such request"):
            run("request_json", "--stack", "arn:aws:cloudformation:x")
        assert LaunchRequest.objects.count() == 0
