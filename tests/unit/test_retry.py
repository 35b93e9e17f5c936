from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from approvals.retry import DELIVERY, SIGNAL, Backoff

NOW = datetime(2026, 1, 1, tzinfo=UTC)
backoffs = st.sampled_from([SIGNAL, DELIVERY, Backoff(base=0.5, cap=7)])
attempts = st.integers(min_value=0, max_value=100_000)
draws = st.floats(min_value=0, max_value=1)
asked = st.floats(min_value=-10, max_value=1e9)
lives = st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=1))


@given(backoffs, attempts, draws, asked, lives, st.booleans())
def test_next_try_is_never_in_the_past_and_never_beyond_the_end(
    backoff: Backoff, tries: int, draw: float, after: float, life: timedelta, permanent: bool
) -> None:
    moment = backoff.next_try(tries, now=NOW, until=NOW + life, permanent=permanent, at_least=after, draw=lambda: draw)
    assert moment is None or NOW <= moment < NOW + life


@given(backoffs, attempts, draws, asked)
def test_pause_is_never_longer_than_the_cap(backoff: Backoff, tries: int, draw: float, after: float) -> None:
    moment = backoff.next_try(tries, now=NOW, until=NOW + timedelta(days=2), at_least=after, draw=lambda: draw)
    assert moment is not None
    assert (moment - NOW).total_seconds() <= backoff.cap


@given(backoffs, attempts, draws, lives)
def test_permanent_failure_is_given_up(backoff: Backoff, tries: int, draw: float, life: timedelta) -> None:
    assert backoff.next_try(tries, now=NOW, until=NOW + life, permanent=True, draw=lambda: draw) is None


@given(backoffs, attempts)
def test_nothing_is_tried_again_once_the_end_has_come(backoff: Backoff, tries: int) -> None:
    assert backoff.next_try(tries, now=NOW, until=NOW, draw=lambda: 0.0) is None


@given(backoffs, st.integers(min_value=1, max_value=40))
def test_ceiling_doubles_with_every_try_up_to_the_cap(backoff: Backoff, tries: int) -> None:
    moment = backoff.next_try(tries, now=NOW, until=NOW + timedelta(days=2), draw=lambda: 1.0)
    assert moment == NOW + timedelta(seconds=min(backoff.cap, backoff.base * 2 ** (tries - 1)))


def test_other_side_is_heeded_when_it_asks_for_a_pause() -> None:
    moment = SIGNAL.next_try(1, now=NOW, until=NOW + timedelta(hours=1), at_least=12, draw=lambda: 0.5)
    assert moment == NOW + timedelta(seconds=12)


def test_jitter_spreads_the_tries_of_signals_that_failed_together() -> None:
    moments = {SIGNAL.next_try(4, now=NOW, until=NOW + timedelta(hours=1)) for _ in range(100)}
    assert len(moments) > 90
