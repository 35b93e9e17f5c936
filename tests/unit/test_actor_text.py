import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.actions.base import MAX_TEXT, clean_text
from approvals.errors import Refused, Why


@given(st.text(max_size=200))
def test_clean_text_never_holds_what_a_database_or_a_reader_chokes_on(text: str) -> None:
    cleaned = clean_text(text, required=False)
    assert "\x00" not in cleaned
    assert "\u202e" not in cleaned
    assert all(c.isprintable() or c in "\n\t\u200c\u200d" for c in cleaned)
    cleaned.encode()


@pytest.mark.parametrize("text", ["", "   ", "\n\t ", "\x00\u200b"])
def test_a_required_text_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        clean_text(text, required=True)
    assert refused.value.why is Why.TEXT_MISSING


def test_a_text_that_is_too_long_is_refused_and_not_cut() -> None:
    assert len(clean_text("x" * MAX_TEXT, required=True)) == MAX_TEXT
    with pytest.raises(Refused) as refused:
        clean_text("x" * (MAX_TEXT + 1), required=True)
    assert "4000" in refused.value.sentence


def test_people_may_write_in_their_own_language() -> None:
    assert clean_text("你好\u3000世界 👩\u200d💻\u00a0!", required=True) == "你好 世界 👩\u200d💻 !"
    assert clean_text("为什么需要这么大的实例?\r\nПривет — أهلاً", required=True).count("\n") == 1
