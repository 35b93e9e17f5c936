"""The tour goes to every page: each named address of the URLconf is a stop of it, or left out for a reason."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from tests.e2e.tour import LEFT_OUT, STOPS

# Where somebody signs in by SAML, the URLconf has these as well.
SAML = "saml_"


def names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from names(one.url_patterns)
        elif one.name and not one.name.startswith(SAML):
            yield one.name


def test_every_page_is_on_the_tour_or_left_out_for_a_reason() -> None:
    known, stops = set(names(get_resolver().url_patterns)), {stop.url_name for stop in STOPS}
    assert known - stops - LEFT_OUT.keys() == set()
    assert (stops | LEFT_OUT.keys()) - known == set()
    assert stops & LEFT_OUT.keys() == set()


def test_no_two_stops_share_a_name() -> None:
    shown = [stop.name for stop in STOPS]
    assert len(shown) == len(set(shown))
