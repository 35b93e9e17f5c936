"""People. A person signs in with an e-mail address and is deactivated, never deleted: decisions point at them."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person. Without a password they sign in by e-mail code, which also proves the address."""
        user = self.model(email=email.strip().lower(), **fields)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class MailWish(models.TextChoices):
    EACH = "each", _("Each at once")
    DIGEST = "digest", _("Once a day, in one mail")
    NONE = "none", pgettext_lazy("mails", "None")


class User(AbstractBaseUser):
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    mail_wish = models.CharField(
        _("mails"), max_length=6, choices=MailWish.choices, default=MailWish.EACH, db_default="each"
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_administrator = models.BooleanField(_("administrator"), default=False)
    is_auditor = models.BooleanField(_("auditor"), default=False)
    date_joined = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            # Upper is what `iexact` asks for.
            models.UniqueConstraint(Upper("email"), name="one_person_per_address"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class Principal(models.Model):
    """An AWS identity that was seen launching something.

    `person` is set only where the session name counts as verified (design §3): roles of IAM Identity
    Center (`AWSReservedSSO_*`) and roles an administrator listed. Elsewhere the role is known, the
    person is not.
    """

    arn = models.CharField(max_length=2048, unique=True)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="principals", null=True, blank=True)
    first_seen = models.DateTimeField()

    def __str__(self) -> str:
        return self.arn


class GroupRole(models.Model):
    """A role that a person has because a provider's groups gave it. What has no such row was given by hand, and no
    group takes it away. `role`: administrator, auditor, or team: and the team's primary key."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="group_roles")
    provider = models.CharField(max_length=30)
    role = models.CharField(max_length=40)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "provider", "role"], name="one_group_role_per_provider")
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.person} by {self.provider}"
