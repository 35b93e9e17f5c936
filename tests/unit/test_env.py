import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env


def test_a_database_url_keeps_what_it_says_of_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D", "postgres://u%40x:p%3A@db.example:6432/desk?sslmode=verify-full&sslrootcert=/ca.pem")
    found = env.database("D")
    assert found["OPTIONS"] == {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}
    assert (found["USER"], found["PASSWORD"], found["PORT"], found["NAME"]) == ("u@x", "p:", 6432, "desk")


@pytest.mark.parametrize("url", ["", "mysql://u:s3cret@h/d", "postgres://u:s3cret@h", "postgres://u:s3cret@h:x/d"])
def test_a_bad_database_url_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("D", url)
    with pytest.raises(ImproperlyConfigured, match=r"^D") as refused:
        env.database("D")
    assert "s3cret" not in str(refused.value)


def test_an_option_that_would_be_lost_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D", "postgres://u:p@h/d?pool=5")
    with pytest.raises(ImproperlyConfigured, match=r"pool cannot be set there"):
        env.database("D")


@pytest.mark.parametrize("value", ["localhost:4566", "http://h:1/path", "ftp://h", "http://u@h", "http://h?x"])
def test_an_origin_is_one_origin(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("O", value)
    with pytest.raises(ImproperlyConfigured, match="exact origin"):
        env.origin("O")
