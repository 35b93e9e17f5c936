"""Every page a person can open, by whom: what accessibility, pictures and benchmarks go through.

`LEFT_OUT` says why the other addresses are not here; tests/unit/test_tour.py holds both against the URLconf.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import is_mfa_enabled

from approvals import actions
from approvals.actions import people
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.models import CannedReason, Message
from approvals.notifications.stopping import stop_url
from catalog.models import Portfolio, Publication, Rollout
from catalog.models.publishing import Status
from portal.accounts.models import User
from portal.clock import now
from tests.support import published
from tests.support.showroom import Showroom


@dataclass(frozen=True, slots=True)
class Stop:
    """One page: the name of its URL pattern, who opens it (a field of Cast, or "" for nobody), and where it is."""

    url_name: str
    who: str
    path: Callable[[Showroom], str]
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or self.url_name

    def reader(self, room: Showroom) -> User | None:
        return getattr(room.cast, self.who) if self.who else None


def _at(path: str) -> Callable[[Showroom], str]:
    return lambda _room: path


def _request(which: str) -> Callable[[Showroom], str]:
    return lambda room: str(getattr(room, which).get_absolute_url())


def _bulk(verdict: str) -> Callable[[Showroom], str]:
    return lambda room: f"/desk/decide/?verdict={verdict}&pick={room.waiting.pk}&pick={room.asked.pk}"


def _of_person(room: Showroom) -> str:
    return f"/people/{room.cast.approver.uuid}/"


def _own_message(room: Showroom) -> str:
    """Somebody's own words, so fresh that they may still change them."""
    said = Actor(room.cast.requester, Channel.DESK)
    actions.comment(room.waiting.pk, actor=said, now=now(), text="By Wednesday, please.")
    message = Message.objects.filter(request=room.waiting, author=room.cast.requester).latest("pk")
    return f"/requests/{room.waiting.uuid}/messages/{message.pk}/"


def _reason(_room: Showroom) -> str:
    reason, _ = CannedReason.objects.get_or_create(label="Too large", text="Too large for a test; t3.micro will do.")
    return f"/operations/reasons/{reason.pk}/"


def _portfolio(_room: Showroom) -> str:
    return f"/catalogue/portfolios/{Portfolio.objects.latest('pk').pk}/publish/"


def _publication(status: Status) -> Callable[[Showroom], str]:
    def where(room: Showroom) -> str:
        _publish(room)
        return f"/catalogue/publishing/{Publication.objects.filter(status=status, rollout=None).latest('pk').uuid}/"

    return where


def _rollout(room: Showroom) -> str:
    _publish(room)
    return f"/catalogue/rollouts/{Rollout.objects.latest('pk').uuid}/"


def _publish(room: Showroom) -> None:
    if not Rollout.objects.exists():
        published.fill(room.cast.administrator)


def _invited(room: Showroom) -> str:
    """Somebody who has not come yet."""
    person = people.invite(
        "nadia@example.com",
        name="Nadia",
        roles=frozenset(),
        team=room.cast.team,
        may_decide=True,
        is_notified=True,
        is_fresh=True,
        actor=Actor(room.cast.administrator, Channel.DESK),
        now=now(),
    )
    return f"/people/{person.uuid}/"


def _new_password(room: Showroom) -> str:
    person = room.cast.requester
    return f"/accounts/password/reset/key/{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}/"


def _secured(path: str) -> Callable[[Showroom], str]:
    """A page for whoever has a second factor."""

    def where(room: Showroom) -> str:
        secure(room.cast.other_requester)
        return path

    return where


def secure(person: User) -> None:
    """An authenticator app and recovery codes."""
    if not is_mfa_enabled(person):
        TOTP.activate(person, "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(person)


STOPS = (
    Stop("desk", "approver", _at("/desk/")),
    Stop("desk", "approver", _at("/desk/?tab=decided"), "what was decided"),
    Stop("desk", "approver", _at("/desk/?tab=expired"), "what has expired"),
    Stop("desk", "auditor", _at("/desk/?tab=all&state=approved&account=111122223333"), "filtered desk"),
    Stop("desk", "approver", _at("/desk/?q=nothinglikeit"), "nothing found"),
    Stop("desk", "outsider", _at("/desk/"), "no such page"),
    Stop("inbox_decide", "approver", _bulk("approve"), "several to approve"),
    Stop("inbox_decide", "approver", _bulk("reject"), "several to reject"),
    Stop("requests", "requester", _at("/requests/")),
    Stop("requests", "outsider", _at("/requests/"), "no requests"),
    Stop("request", "approver", _request("waiting"), "request to decide"),
    Stop("request", "approver", _request("asked"), "request with a question"),
    Stop("request", "approver", _request("update"), "request of an update"),
    Stop("request", "approver", _request("approved"), "approved request"),
    Stop("request", "auditor", _request("rejected"), "rejected request"),
    Stop("request", "requester", _request("asked"), "own request with a question"),
    Stop("request", "requester", _request("expired"), "own expired request"),
    Stop("talk_edit", "requester", _own_message),
    Stop("catalogue", "administrator", _at("/catalogue/")),
    Stop("places", "administrator", _at("/catalogue/places/")),
    Stop("product", "administrator", _at("/catalogue/products/prod-website/")),
    Stop("publish", "administrator", _at("/catalogue/products/prod-website/publish/")),
    Stop("publish_portfolio", "administrator", _portfolio),
    Stop("publication", "administrator", _publication(Status.PLANNED), "plan to confirm"),
    Stop("publication", "auditor", _publication(Status.UNDER_WAY), "publication under way"),
    Stop("publication", "administrator", _publication(Status.FAILED), "publication that stands"),
    Stop("publication", "administrator", _publication(Status.DONE), "publication that is done"),
    Stop("rollout", "administrator", _rollout),
    Stop("publishing", "administrator", _at("/catalogue/publishing/")),
    Stop("people", "administrator", _at("/people/")),
    Stop("people_invite", "administrator", _at("/people/invite/")),
    Stop("teams", "administrator", _at("/people/teams/")),
    Stop("person", "administrator", _of_person),
    Stop("person", "administrator", _invited, "somebody who has not come yet"),
    Stop("operations", "administrator", _at("/operations/")),
    Stop("doctor", "administrator", _at("/operations/doctor/")),
    Stop("sensitive", "administrator", _at("/operations/sensitive/")),
    Stop("reasons", "administrator", _at("/operations/reasons/")),
    Stop("reason", "administrator", _reason),
    Stop("mails", "administrator", _at("/operations/mails/")),
    Stop("mail_preview", "administrator", _at("/operations/mails/opened/desk/")),
    Stop("mail_preview", "administrator", _at("/operations/mails/invited/desk/"), "invitation"),
    Stop("mails_stop", "", lambda room: urlsplit(stop_url(room.cast.approver)).path),
    Stop("setup", "administrator", _at("/setup/")),
    Stop("preferences", "approver", _at("/preferences/")),
    Stop("connected_signins", "approver", _at("/accounts/connected/")),
    Stop("account_login", "", _at("/accounts/login/")),
    Stop("account_request_login_code", "", _at("/accounts/login/code/")),
    Stop("account_logout", "approver", _at("/accounts/logout/")),
    Stop("account_inactive", "", _at("/accounts/inactive/")),
    Stop("account_reset_password", "", _at("/accounts/password/reset/")),
    Stop("account_reset_password_done", "", _at("/accounts/password/reset/done/")),
    Stop("account_reset_password_from_key", "", _new_password),
    Stop("account_reset_password_from_key_done", "", _at("/accounts/password/reset/key/done/")),
    Stop("account_set_password", "approver", _at("/accounts/password/set/")),
    Stop("account_change_password", "second_approver", _at("/accounts/password/change/")),
    Stop("account_reauthenticate", "second_approver", _at("/accounts/reauthenticate/")),
    Stop("account_prove_by_code", "approver", _at("/accounts/reauthenticate/code/")),
    Stop("usersessions_list", "approver", _at("/accounts/sessions/")),
    Stop("mfa_index", "approver", _at("/accounts/2fa/")),
    Stop("mfa_index", "other_requester", _secured("/accounts/2fa/"), "second factors in use"),
    Stop("mfa_activate_totp", "approver", _at("/accounts/2fa/totp/activate/")),
    Stop("mfa_deactivate_totp", "other_requester", _secured("/accounts/2fa/totp/deactivate/")),
    Stop("mfa_view_recovery_codes", "other_requester", _secured("/accounts/2fa/recovery-codes/")),
    Stop("mfa_generate_recovery_codes", "other_requester", _secured("/accounts/2fa/recovery-codes/generate/")),
    Stop("mfa_reauthenticate", "other_requester", _secured("/accounts/2fa/reauthenticate/")),
    Stop("mfa_list_webauthn", "approver", _at("/accounts/2fa/webauthn/")),
    Stop("mfa_add_webauthn", "approver", _at("/accounts/2fa/webauthn/add/")),
)

_LEFT_OUT = {
    "answers a form, is never opened": """
        inbox_views inbox_view_delete inbox_decide_now talk_preview talk_save request_act places_add places_act
        publish_plan publication_act publish_portfolio_plan rollout_confirm setup_check setup_mail teams_add teams_act
        person_act doctor_run sensitive_mark sensitive_unmark reason_keep reason_change reason_drop operations_act
        language connected_remove""",
    "a part of a page, for the page's own script": """
        desk_live requests_live request_live places_live publication_live rollout_live doctor_live talk_older""",
    "a file, a picture, or a mail as it is sent": """
        talk_file coverage_csv rollout_report mail_preview_html mfa_download_recovery_codes badge""",
    "leads on at once, or is asked by a machine": """
        home by_fingerprint intake_sns account_signup openid_connect_login
        openid_connect_callback openid_connect_again mfa_login_webauthn""",
    "only in the middle of something, with a passkey or a code: tests/e2e/test_accessibility.py": """
        inbox_decided account_confirm_login_code mfa_authenticate mfa_reauthenticate_webauthn mfa_remove_webauthn
        mfa_edit_webauthn""",
}
LEFT_OUT = {name: why for why, names in _LEFT_OUT.items() for name in names.split()}
