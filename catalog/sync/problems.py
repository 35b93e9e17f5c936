"""What a run's and a version's error codes mean, and what to do, as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

Sentence = Callable[[str], str]


def of_run(code: str) -> str:
    """The sentences for `SyncRun.error`; empty without one."""
    return _said(_RUN, code)


def of_template(code: str) -> str:
    """The sentences for `Version.template_unread`; empty without one."""
    return _said(_TEMPLATE, code)


def _said(sentences: dict[str, Sentence], code: str) -> str:
    kind, _colon, rest = code.partition(":")
    if not code:
        return ""
    known = sentences.get(kind)
    return known(rest) if known else _("AWS answered %(code)s.") % {"code": code}


def _denied(action: str) -> str:
    return _(
        "The right %(action)s is missing. Give it to the role that reads here: deploying the current template of the "
        "hub or the spoke again does."
    ) % {"action": action}


def _aws(code: str) -> str:
    return _("AWS answered %(code)s. If it stays so, look the code up in the documentation of Service Catalog.") % {
        "code": code
    }


def _internal(error: str) -> str:
    return _("Reading failed by a mistake of ours (%(error)s). The worker's log has the details: please report it.") % {
        "error": error
    }


def _in_part(found: str) -> str:
    name, _colon, code = found.partition(":")
    return _("%(name)s could not be read and was left out, perhaps with others. %(why)s") % {
        "name": name,
        "why": of_run(code),
    }


_RUN: dict[str, Sentence] = {
    "aws": _aws,
    "denied": _denied,
    "endless": lambda _rest: _("A list of AWS did not end. Please report it."),
    "internal": _internal,
    "no_answer": lambda _rest: _(
        "AWS did not answer. Check the network's way from the worker to Service Catalog in this region."
    ),
    "no_credentials": lambda _rest: _(
        "The worker has no AWS credentials. Give it the role with the hub's policies DeskReads and DeskWorker."
    ),
    "not_listed": lambda _rest: _(
        "GATEHOUSE_READER_ACCOUNTS no longer lists this account. Add it and restart the desk, or switch the place off."
    ),
    "part": _in_part,
    "role_refused": lambda _rest: _(
        "AWS did not let the desk take the reading role. Deploy the spoke here with the desk's role as DeskRoleArn and "
        "the desk's external id; after that it may take five minutes until the desk tries again."
    ),
    "switched_off": lambda _rest: _("Somebody switched the place off while it was being read."),
    "throttled": lambda _rest: _(
        "AWS limits the calls of this account, and waiting did not help. It is tried again later by itself; other "
        "tools that read Service Catalog at the same time share the limit."
    ),
    "worker_lost": lambda _rest: _(
        "Several workers in a row were lost while they read here. Look for restarts and for memory in the worker's log."
    ),
}

_TEMPLATE: dict[str, Sentence] = {
    "aws": _aws,
    "denied": lambda action: (
        _(
            "The right %(action)s is missing for its template. Give the role that reads here access to the bucket or "
            "the stack that the template comes from."
        )
        % {"action": action}
    ),
    "elsewhere": lambda _rest: _(
        "Its template is not kept in Amazon S3, and the desk opens no other addresses. Publish the version from S3."
    ),
    "gone": lambda _rest: _("Its template no longer exists where it came from."),
    "http": lambda status: _("The address of its template answered HTTP %(status)s.") % {"status": status},
    "no_answer": lambda _rest: _(
        "Where its template is kept does not answer. Check the worker's way to Amazon S3 (HTTPS_PROXY, NO_PROXY); it "
        "is tried again after some hours."
    ),
    "no_address": lambda _rest: _("AWS does not say where its template is."),
    "not_text": lambda _rest: _("Its template is not text."),
    "throttled": lambda _rest: _(
        "Amazon S3 limits the calls where its template is kept, and waiting did not help. It is tried again after some "
        "hours."
    ),
    "too_large": lambda _rest: _("Its template is larger than CloudFormation takes (1 MiB)."),
}
