"""Bring the message catalogues up to date: collect every text of code and templates, keep the translations
there are, and compile. Works without the gettext tools. To translate: run, fill in the .po, run again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation.template import templatize

PACKAGES = ("portal", "approvals", "catalog")
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "Phrase": None,
}
LANGUAGE, FOLDER = "zh_Hans_CN", "zh_Hans"


class Command(BaseCommand):
    help = "Collect the texts of code and templates into portal/locale and compile the catalogues."

    def handle(self, *args: Any, **options: Any) -> None:
        path = catalogue_path()
        catalogue = updated(path)
        with path.open("wb") as file:
            write_po(file, catalogue, width=110, omit_header=False, sort_output=True, include_lineno=False)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        open_ = [message.id for message in catalogue if message.id and not _is_translated(message.string)]
        self.stdout.write(f"{path}: {len(catalogue)} texts, {len(open_)} without a translation")


def _is_translated(text: Any) -> bool:
    return all(text) if isinstance(text, tuple) else bool(text)


def catalogue_path() -> Path:
    return Path(settings.BASE_DIR) / "portal" / "locale" / FOLDER / "LC_MESSAGES" / "django.po"


def updated(path: Path) -> Catalog:
    """The catalogue with exactly the texts that are in use now; nothing is guessed from similar texts."""
    catalogue = Catalog(locale=LANGUAGE, project="Gatehouse", charset="utf-8")
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=LANGUAGE)
    template = Catalog(charset="utf-8", creation_date=catalogue.creation_date)
    for place, text, context in used():
        template.add(text, locations=[(place, 0)], context=context)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    catalogue.header_comment = (
        "# The texts of Gatehouse. `manage.py translations` keeps this file; fill in what is empty."
    )
    catalogue.last_translator = catalogue.language_team = catalogue.msgid_bugs_address = "Gatehouse"
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def used() -> Iterator[tuple[str, Any, str | None]]:
    """Every (file, text or plural forms, context) of code and templates."""
    root = Path(settings.BASE_DIR)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                for _, text, _, context in extract("python", io.BytesIO(_code(path).encode()), KEYWORDS):
                    yield path.relative_to(root).as_posix(), text, context


def _code(path: Path) -> str:
    """Python as it is; a template as the calls its translation tags stand for."""
    source = path.read_text("utf-8")
    if path.suffix == ".py":
        return source
    return "\n".join(line.strip() for line in templatize(source, origin=str(path)).splitlines())
