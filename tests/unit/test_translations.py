"""Every text has its Simplified Chinese, and what is compiled is what is written."""

import re
from functools import cache

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.utils import translation

from portal.management.commands import translations

PATH = translations.catalogue_path()
HOW = "run `manage.py translations`, fill in the .po, run it again"


@cache
def updated() -> Catalog:
    """The catalogue with the texts that are in the code now; reading all the code takes seconds."""
    return translations.updated(PATH)


def messages() -> list[Message]:
    return [message for message in updated() if message.id]


def forms(text: object) -> list[str]:
    return list(text) if isinstance(text, tuple | list) else [str(text)]


def test_no_text_is_untranslated_and_none_is_left_over() -> None:
    missing = [message.id for message in messages() if not all(forms(message.string)) or message.fuzzy]
    assert not missing, HOW
    with PATH.open("rb") as file:
        written = {str(message.id) for message in read_po(file) if message.id}
    assert written == {str(message.id) for message in messages()}, HOW


def test_placeholders_and_markup_survive_translation() -> None:
    parts = re.compile(r"%\(\w+\)[sd]|</?\w+>")
    for message in messages():
        expected = set(parts.findall(forms(message.id)[-1]))
        assert all(set(parts.findall(form)) == expected for form in forms(message.string)), message.id


def test_the_compiled_catalogue_is_the_written_one() -> None:
    assert PATH.with_suffix(".mo").read_bytes() == translations.compiled(updated()), HOW


def test_the_catalogue_is_used() -> None:
    with translation.override("zh-hans"):
        assert translation.gettext("Approve") == "批准"


def test_every_name_that_marks_a_text_is_collected() -> None:
    marks = re.compile(r"\bn?p?gettext\w* as (\w+)")
    for package in translations.PACKAGES:
        for path in (PATH.parents[4] / package).rglob("*.py"):
            assert set(marks.findall(path.read_text("utf-8"))) <= set(translations.KEYWORDS), path
