"""Where the doctor finds a template."""

import pytest

from approvals.doctor.products import Unreadable, object_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://my.bucket.s3.eu-west-1.amazonaws.com/a/b%20c.yaml?X-Amz-Signature=x", ("my.bucket", "a/b c.yaml")),
        ("https://bucket.s3.amazonaws.com/t.json", ("bucket", "t.json")),
        ("https://bucket.s3-us-west-2.amazonaws.com/t.json", ("bucket", "t.json")),
        ("https://s3.amazonaws.com/bucket/t.json", ("bucket", "t.json")),
        ("https://s3-us-west-2.amazonaws.com/bucket/t.json", ("bucket", "t.json")),
        ("https://bucket.s3.cn-north-1.amazonaws.com.cn/t.json", ("bucket", "t.json")),
        ("http://localhost:4566/bucket/t.json", ("bucket", "t.json")),
    ],
)
def test_the_place_of_a_template_is_read_from_every_form_of_address(url: str, place: tuple[str, str]) -> None:
    assert object_of(url) == place


@pytest.mark.parametrize("url", ["", "https://github.com", "nonsense"])
def test_an_address_that_names_no_object_is_unreadable(url: str) -> None:
    with pytest.raises(Unreadable):
        object_of(url)
