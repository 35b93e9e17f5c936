"""What counts as a name: something that people can see."""

import pytest

from portal.accounts.names import name_of


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " \t\n",
        "\u00a0\u3000",
        "\u3164",
        "\u2800\u2800",
        "\u115f\u1160",
        "\uffa0",
        "\u034f",
        "\u0301",
        "\u200b",
        "\0",
        "\ufe0f",
        "\U000e0041",
        "\U000e0100",
        "\u202e",
        "\u3164 \u2800",
    ],
)
def test_what_nobody_can_see_is_no_name(value: str | None) -> None:
    assert name_of(value) == ""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("Ａｄａ", "Ada"),
        ("A\u200bda\u202e\u3164\0", "Ada"),
        ("Rene\u0301e", "Renée"),
        ("李 雷", "李 雷"),
        ("O’Neill-Şahin Jr.", "O’Neill-Şahin Jr."),
        ("4711", "4711"),
        ("a" * 200, "a" * 150),
    ],
)
def test_a_name_has_one_spelling(value: str, name: str) -> None:
    assert name_of(value) == name
