"""Publishing: the role the worker takes for it, and the bucket of templates."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils.translation import gettext_noop as _

from approvals.doctor.findings import Problem, Severity, problem
from approvals.doctor.registry import check
from approvals.doctor.visit import Visit, code_of
from catalog import aws, publishing


@check(
    "publishing",
    Severity.WARNING,
    title=_("Publishing"),
    why=_("Without its role and its bucket the worker can make no gated version and retire none."),
    remedy=_(
        "Deploy the hub with AllowPublishing=yes and WorkerRoleArn set to the worker's role, then set "
        "GATEHOUSE_PUBLISHER_ROLE and GATEHOUSE_TEMPLATE_BUCKET of web and worker to its outputs PublisherRoleArn and "
        "TemplateBucket. To switch publishing off, leave both empty."
    ),
)
def looked_at(visit: Visit) -> Iterator[Problem]:
    role, bucket = settings.GATEHOUSE_PUBLISHER_ROLE, settings.GATEHOUSE_TEMPLATE_BUCKET
    if not publishing.is_on():
        if role or bucket:
            yield problem(_("Only one of GATEHOUSE_PUBLISHER_ROLE and GATEHOUSE_TEMPLATE_BUCKET is set."))
        return
    try:
        answer = aws.client_as_publisher("s3", aws.own_region()).get_bucket_versioning(Bucket=bucket)
    except aws.RoleRefused:
        yield _refused(role, by_worker=visit.round.by_worker)
    except ClientError as error:
        yield _unread(bucket, code_of(error))
    else:
        if answer.get("Status") != "Enabled":
            yield problem(_("The bucket of templates keeps no versions."), about=bucket)


def _refused(role: str, *, by_worker: bool) -> Problem:
    """Only the worker may take the role: that others may not is as it should be."""
    if by_worker:
        return problem(_("The worker may not take the publishing role, or there is none."), about=role)
    seen = _("This process may not take the publishing role. Only the worker needs to: run the doctor as the worker.")
    return problem(seen, about=role, severity=Severity.INFO)


def _unread(bucket: str, code: str) -> Problem:
    if code == "NoSuchBucket":
        return problem(_("There is no bucket of templates."), about=bucket)
    return problem(_("The publishing role may not look at the bucket of templates: %(code)s."), about=bucket, code=code)
