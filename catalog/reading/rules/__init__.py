"""What is risky in a template: one small function per rule, from a stack as it would be to what it finds.

A rule is silent where nothing speaks for the risk, says that it may be where it depends on what is not known, and
accuses nobody. One that fails on a template nobody thought of says so: what was not checked is not in order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, gathered
from catalog.reading.rules import (
    buckets,
    code,
    databases,
    deletion,
    encryption,
    identities,
    network,
    policies,
    scripts,
    secrets,
    trust,
)
from catalog.reading.stack import Stack

Rule = Callable[[Stack], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    identities.makes_identities,
    identities.long_lived_keys,
    identities.administrators,
    policies.everything,
    policies.whole_services,
    policies.any_resource,
    policies.more_rights,
    trust.everybody,
    trust.other_accounts,
    trust.federated,
    trust.functions_for_others,
    trust.open_function_urls,
    trust.shared_with_others,
    network.open_to_the_internet,
    buckets.public_lists,
    buckets.public_policies,
    buckets.unguarded,
    databases.on_the_internet,
    encryption.not_encrypted,
    secrets.written_down,
    secrets.shown_to_readers,
    deletion.data_go_with_the_stack,
    code.functions_of_others,
    code.nested_templates,
    code.other_stacks,
    code.macros,
    code.long_loops,
    scripts.fetched_and_run,
)
_log = logging.getLogger(__name__)


def find(stack: Stack) -> list[Finding]:
    """What all rules find, the gravest first."""
    found: list[Finding] = []
    for rule in RULES:
        try:
            found += rule(stack)
        except Exception as error:  # noqa: BLE001 - templates are anybody's, and errors may quote their secrets
            _log.error("a rule failed", extra={"rule": rule.__name__, "error": type(error).__name__})
            found.append(
                Finding(
                    "unchecked",
                    Risk.MEDIUM,
                    _("Not everything could be checked"),
                    _("The rule “%(rule)s” cannot read this template; look at it yourself."),
                    facts={"rule": rule.__name__},
                )
            )
    return gathered(found)
