import pytest
from django.core.management import CommandError, call_command

from approvals.rules import is_approver
from portal.accounts.models import User


@pytest.mark.django_db
def test_the_first_administrator_is_added_and_keeps_what_was_given_before() -> None:
    call_command("add_person", "Grace@Example.com", "--administrator", "--name", "Grace")
    call_command("add_person", "grace@example.com", "--approver")
    grace = User.objects.get()
    assert (grace.email, grace.name, grace.is_administrator, is_approver(grace)) == (
        "grace@example.com",
        "Grace",
        True,
        True,
    )
    assert not grace.has_usable_password()


@pytest.mark.django_db
def test_a_name_that_nobody_can_see_is_none() -> None:
    call_command("add_person", "grace@example.com", "--name", "Ｇｒａｃｅ \u200b Hopper")
    call_command("add_person", "grace@example.com", "--name", "\u3164")
    assert User.objects.get().name == "Grace Hopper"


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["grace", "gr\u0251ce@example.com", "adm\u0131n@example.com", "admin@ban\u212a.com"])
def test_a_word_that_is_no_address_is_refused(word: str) -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("add_person", word)
    assert not User.objects.exists()
