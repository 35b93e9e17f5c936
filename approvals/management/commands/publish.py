"""Publish gated versions from the command line, under the same rules as at the desk."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.actions import publishing as verbs
from approvals.actor import Actor
from approvals.choices import Channel
from approvals.errors import Refused
from approvals.publishing import told
from catalog import publishing
from catalog.gating import BadOption
from catalog.models import Portfolio, Product, Publication, Version
from catalog.models.publishing import WORKED, Retirement, Status
from catalog.publishing import Publisher, report
from catalog.publishing.problems import of_publication
from catalog.sync.trouble import Trouble
from portal.accounts.models import User
from portal.clock import now

PATIENCE = 1800.0


class Command(BaseCommand):
    help = "Gate a product's newest version, or every product of a portfolio; publish it and retire the ungated ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("product", nargs="?", default="", metavar="PRODUCT_ID")
        what.add_argument("--portfolio", default="", metavar="ID", help="every product of it")
        # A management command has a --version of its own; BaseCommand's is left out for ours.
        parser.add_argument("--version", dest="source", default="", metavar="ID", help="gate this one, not the newest")
        parser.add_argument(
            "--retire", choices=Retirement.values, default="inactive", help="what becomes of the others"
        )
        parser.add_argument("--yes", action="store_true", help="confirm the plan that is printed")
        parser.add_argument("--dry-run", action="store_true", help="print the plan and keep nothing")
        parser.add_argument("--as", dest="person", default="", metavar="E-MAIL", help="which administrator confirms")
        parser.add_argument("--report", default="", metavar="FILE", help="write the report as .json or .csv")
        parser.add_argument("--classic", action="store_true", help="a gate without a receipt")
        parser.add_argument("--timeout", type=int, default=None, metavar="SECONDS")
        parser.add_argument("--no-gate-updates", dest="gate_updates", action="store_false")
        parser.add_argument("--service-token", default=None, metavar="ARN")
        parser.add_argument("--verify-token", default=None, metavar="ARN")
        parser.add_argument("--email-parameter", default="", metavar="NAME")
        parser.add_argument("--upgrade", action="store_true", help="replace gates written by hand")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *_args: Any, **given: Any) -> None:
        if not publishing.is_on():
            raise CommandError(of_publication("off"))
        options = _options(given)
        try:
            publishing.options_of(options)
            made = self._dry(options, given) if given["dry_run"] else self._plan(options, given)
            if given["yes"] and not given["dry_run"]:
                made = self._carry_out(made, _actor(given))
        except Refused as refused:
            raise CommandError(refused.sentence) from None
        except BadOption as error:
            raise CommandError(str(error)) from None
        self._report(made, given)

    def _plan(self, options: dict[str, Any], given: dict[str, Any]) -> list[Publication]:
        common: dict[str, Any] = {"options": options, "retire": given["retire"], "actor": _actor(given), "now": now()}
        if given["portfolio"]:
            rollout = verbs.plan_portfolio(_portfolio(given["portfolio"]), **common)
            made = list(rollout.publications.order_by("product__name", "pk"))
        else:
            product = _product(given["product"])
            made = [verbs.plan(product, _source(product, given["source"]), **common)]
        made = [_driven(one) for one in made]
        for one in made:
            self._show(one)
        return made

    def _dry(self, options: dict[str, Any], given: dict[str, Any]) -> list[Publication]:
        if given["portfolio"]:
            products = Product.objects.offered().filter(
                offers__portfolio=_portfolio(given["portfolio"]), offers__removed_at=None
            )
            chosen = [(product, publishing.newest(product)) for product in products.order_by("name")]
        else:
            product = _product(given["product"])
            chosen = [(product, _source(product, given["source"]))]
        made = []
        for product, source in chosen:
            proposed = publishing.proposal(product, source, options, given["retire"], now())
            text = ""
            try:
                found = publishing.plan(proposed, Publisher(product))
            except Trouble as trouble:
                proposed.status, proposed.error = Status.FAILED, trouble.code
            else:
                proposed.verdict, proposed.reason = found.verdict, found.reason
                proposed.notes = [note.kept() for note in found.notes]
                proposed.facts, proposed.error = found.facts, found.error
                proposed.status = Status.REFUSED if found.error else Status.PLANNED
                text = found.text.decode() if found.text else ""
            self._show(proposed, text)
            made.append(proposed)
        return made

    def _carry_out(self, made: list[Publication], actor: Actor) -> list[Publication]:
        for one in made:
            if one.status == Status.PLANNED:
                # Whoever may run commands on the desk's server needs no session to prove.
                verbs.confirm(one.uuid, shown=one.shown, is_fresh=True, actor=actor, now=now())
        done = [_driven(one) for one in made]
        for one in done:
            self.stdout.write(f"\n{one.product}: {one.get_status_display()}{_why(one)}")
            for step in one.steps.all():
                mark = "done" if step.done_at else "not done"
                self.stdout.write(f"  {step}: {mark}")
            if one.status == Status.PLANNED:
                self.stdout.write("  What was shown is no longer so. Nothing was done: run the command again.")
        return done

    def _show(self, one: Publication, text: str = "") -> None:
        """The plan of one product."""
        self.stdout.write(
            f"\n{one.product} ({one.product.product_id}): {one.verdict or one.get_status_display()}{_why(one)}"
        )
        for note in report.notes(one):
            self.stdout.write(f"  {note}")
        text = text or (one.gated.body if one.gated else "")
        if text and one.source and one.source.template:
            for _kind, line in publishing.lines(one.source.template.body, text):
                self.stdout.write(f"  | {line}")
        if one.facts.get("name"):
            self.stdout.write(f"  creates: {one.facts['name']}")
        for version in one.facts.get("ungated", []):
            runs = version["launched"]
            told_runs = "what runs on it cannot be told" if runs is None else f"{runs['count']} provisioned products"
            what = f"becomes {one.retire}" if version["retire"] else f"stays ({version['guidance']})"
            self.stdout.write(f"  {version['name']} ({version['id']}): {what}; {told_runs}")
        for portfolio in one.facts.get("portfolios") or []:
            accounts = ", ".join(portfolio["accounts"] or []) or "no other account"
            principals = "?" if portfolio["principals"] is None else len(portfolio["principals"])
            self.stdout.write(f"  portfolio {portfolio['name']}: {principals} principals, shared with {accounts}")

    def _report(self, made: list[Publication], given: dict[str, Any]) -> None:
        if given["report"]:
            text = report.as_csv(made) if given["report"].endswith(".csv") else report.as_json(made)
            Path(given["report"]).write_text(text, "utf-8")
        bad = [one for one in made if one.status in (Status.FAILED, Status.REFUSED)]
        waits = [one for one in made if one.status == Status.PLANNED]
        if waits and not given["dry_run"] and not given["yes"]:
            self.stdout.write("\nNothing was changed. Confirm at the desk, or run this again with --yes.")
        if bad:
            raise CommandError(f"{len(bad)} of {len(made)} could not be published.")


def _options(given: dict[str, Any]) -> dict[str, Any]:
    names = ("classic", "gate_updates", "service_token", "verify_token", "email_parameter", "upgrade")
    timeout = {} if given["timeout"] is None else {"timeout": given["timeout"]}
    return {name: given[name] for name in names} | timeout


def _actor(given: dict[str, Any]) -> Actor:
    person = User.objects.filter(email__iexact=given["person"]).first()
    if person is None:
        raise CommandError("Say with --as which administrator of the desk this is.")
    return Actor(person, Channel.COMMAND)


def _product(product_id: str) -> Product:
    found = Product.objects.select_related("place").filter(product_id=product_id).first()
    if found is None:
        raise CommandError(f"The desk knows no product {product_id}: read the catalogue first (sync_catalogue).")
    return found


def _portfolio(portfolio_id: str) -> Portfolio:
    found = Portfolio.objects.filter(portfolio_id=portfolio_id, shared=False, removed_at=None).first()
    if found is None:
        raise CommandError(f"The desk knows no portfolio {portfolio_id} of its own: read the catalogue first.")
    return found


def _source(product: Product, artifact_id: str) -> Version | None:
    if not artifact_id:
        return publishing.newest(product)
    found = product.versions.existing().filter(artifact_id=artifact_id).first()
    if found is None:
        raise CommandError(f"{product} has no version {artifact_id}.")
    return found


def _driven(one: Publication) -> Publication:
    """Carried on by this process, or by a worker that was faster, until it waits for somebody or is finished."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (claimed := publishing.claim(now(), one.pk)) is not None:
            publishing.advance(claimed, told)
        one = Publication.objects.select_related("product__place", "source__template", "gated").get(pk=one.pk)
        if one.status not in WORKED:
            return one
        time.sleep(0.5)
    raise CommandError(f"{one.product} is not finished yet; a worker goes on with it.")


def _why(one: Publication) -> str:
    said = report.reason(one)
    return f": {said}" if said else ""
