from hypothesis import given
from hypothesis import strategies as st

from approvals.choices import Verdict
from approvals.policy import Ballot, tally

YES, NO = Verdict.APPROVED, Verdict.REJECTED
ballots = st.builds(
    Ballot,
    quorum=st.integers(1, 4),
    denials=st.integers(1, 4),
    votes=st.lists(st.sampled_from(Verdict), max_size=8).map(tuple),
)


def test_a_stage_without_groups_never_approves() -> None:
    assert tally([]) is None


def test_one_group_s_denials_reject_whatever_the_others_say() -> None:
    assert tally([Ballot(1, 1, (YES,)), Ballot(1, 1, (NO,))]) is NO


def test_every_group_has_to_reach_its_quorum() -> None:
    assert tally([Ballot(1, 1, (YES,)), Ballot(2, 1, (YES,))]) is None
    assert tally([Ballot(1, 1, (YES,)), Ballot(2, 1, (YES, YES))]) is YES


@given(st.lists(ballots, min_size=1, max_size=4))
def test_more_approvals_never_turn_a_verdict_into_a_rejection(groups: list[Ballot]) -> None:
    more = [Ballot(b.quorum, b.denials, (*b.votes, YES)) for b in groups]
    assert (tally(more) is NO) == (tally(groups) is NO)


@given(st.lists(ballots, min_size=1, max_size=4))
def test_a_denial_never_approves_what_was_not_approved(groups: list[Ballot]) -> None:
    more = [Ballot(b.quorum, b.denials, (*b.votes, NO)) for b in groups]
    assert tally(more) is not YES or tally(groups) is YES
