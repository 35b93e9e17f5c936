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
def test_a_word_that_is_no_address_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("add_person", "grace")
    assert not User.objects.exists()
