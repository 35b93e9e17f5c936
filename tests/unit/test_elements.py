"""How values are shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from portal.templatetags import elements

AT = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=3, minutes=12), "3 hours 12 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1, hours=1, minutes=59), "1 day 1 hour"),
    ],
)
def test_a_length_of_time_in_words(length: timedelta, words: str) -> None:
    assert elements.span(length) == words


def test_a_length_of_time_in_chinese() -> None:
    with translation.override("zh-hans"):
        assert elements.span(timedelta(hours=3, minutes=12)) == "3 小时 12 分钟"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("safe\u202egnp.exe", "safe⟨U+202E⟩gnp.exe"),
        ("a\x00b\x1b[31m", "a⟨U+0000⟩b⟨U+001B⟩[31m"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        (
            "Ada\u3164\u2800\u115f\u1160\uffa0\u034f",
            "Ada" + "".join(f"⟨U+{code}⟩" for code in ("3164", "2800", "115F", "1160", "FFA0", "034F")),
        ),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        ("两行\n文字\t谢谢", "两行\n文字\t谢谢"),
        (None, "None"),
    ],
)
def test_nothing_hides_in_a_value(text: Any, shown: str) -> None:
    assert elements.plain(text) == shown


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "22 Nov 2026, 23:30 UTC"),
        ("Asia/Shanghai", "23 Nov 2026, 07:30 UTC+8"),
        ("America/St_Johns", "22 Nov 2026, 20:00 UTC−3:30"),
    ],
)
def test_a_moment_is_local_for_people_and_utc_for_machines(zone: str, shown: str) -> None:
    with timezone.override(zone):
        html = Template("{% moment at %}").render(Context({"at": AT}))
    assert shown in html
    assert 'datetime="2026-11-22T23:30:00Z"' in html
    assert 'title="2026-11-22 23:30 UTC"' in html


@pytest.mark.parametrize(("minutes", "late"), [(61, False), (59, True), (-1, True)])
def test_the_last_hour_stands_out(minutes: int, late: bool) -> None:
    html = Template("{% left until now %}").render(Context({"until": AT + timedelta(minutes=minutes), "now": AT}))
    assert ("late" in html) == late
