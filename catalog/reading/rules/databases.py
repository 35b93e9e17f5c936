"""Databases and brokers with an address on the internet."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk
from catalog.reading.stack import Stack
from catalog.reading.values import Unknown, is_true

_TYPES = (
    "AWS::AmazonMQ::Broker",
    "AWS::DMS::ReplicationInstance",
    "AWS::Neptune::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::RedshiftServerless::Workgroup",
)


def on_the_internet(stack: Stack) -> Iterator[Finding]:
    """PubliclyAccessible."""
    for resource in stack.of(*_TYPES):
        for one in resource.at("PubliclyAccessible"):
            if is_true(one.value) or isinstance(one.value, Unknown):
                yield Finding(
                    "public-database",
                    Risk.HIGH,
                    _("A database with an address on the internet"),
                    _("It gets a public address; only its security groups keep strangers out."),
                    (resource.id,),
                    sure=one.sure and is_true(one.value),
                )
