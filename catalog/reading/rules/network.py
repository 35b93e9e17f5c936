"""What the whole internet reaches."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_noop as _

from catalog.reading.findings import Finding, Risk, listed
from catalog.reading.stack import Resource, Stack
from catalog.reading.values import Seen, at, is_known, text_of

# What is meant for everybody, and what never is: consoles, databases, caches, file shares.
_WEB = {80, 443}
_NEVER = {
    22: "SSH",
    23: "Telnet",
    135: "RPC",
    445: "SMB",
    1433: "SQL Server",
    1521: "Oracle",
    2049: "NFS",
    2375: "Docker",
    3306: "MySQL",
    3389: "RDP",
    5432: "PostgreSQL",
    5439: "Redshift",
    5900: "VNC",
    5985: "WinRM",
    6379: "Redis",
    9200: "OpenSearch",
    11211: "Memcached",
    27017: "MongoDB",
}
_RULES = {
    "AWS::EC2::SecurityGroup": ("SecurityGroupIngress",),
    "AWS::EC2::SecurityGroupIngress": (),
    "AWS::RDS::DBSecurityGroup": ("DBSecurityGroupIngress",),
    "AWS::RDS::DBSecurityGroupIngress": (),
    "AWS::Redshift::ClusterSecurityGroupIngress": (),
}


def open_to_the_internet(stack: Stack) -> Iterator[Finding]:
    """Ingress from everywhere, by the gravest of its ports."""
    for resource in stack.of(*_RULES):
        opened = [
            (_risk(rule.value), _ports(rule.value), rule.sure and source.sure and is_known(source.value))
            for rule in resource.at(*_RULES[resource.type])
            for source in _sources(rule.value)
        ]
        if opened:
            risk = min((risk for risk, _ports, _sure in opened), key=lambda one: one.rank)
            yield _finding(resource, risk, [ports for _risk, ports, _sure in opened], any(sure for *_, sure in opened))


def _finding(resource: Resource, risk: Risk, ports: list[str], sure: bool) -> Finding:
    return Finding(
        "open-ingress",
        risk,
        _("Open to the whole internet"),
        _("Every address on the internet may reach %(ports)s."),
        (resource.id,),
        {"ports": listed(ports)},
        sure=sure,
    )


def _sources(rule: Any) -> Iterator[Seen]:
    for name in ("CidrIp", "CidrIpv6", "CIDRIP"):
        for one in at(rule, name):
            if is_known(one.value) and _is_everywhere(text_of(one.value)):
                yield one


def _is_everywhere(cidr: str) -> bool:
    """The whole of the internet, or half of it: the usual way around a check for all of it."""
    try:
        return ipaddress.ip_network(cidr.strip(), strict=False).prefixlen <= 1
    except ValueError:
        return False


def _range(rule: Any) -> tuple[int, int] | None:
    """First and last port; None for all there are, and for those that are not known."""
    ends = [next((text_of(one.value) for one in at(rule, name)), "") for name in ("FromPort", "ToPort")]
    if not all(end.lstrip("-").isdecimal() for end in ends) or int(ends[0]) < 0:
        return None
    return int(ends[0]), int(ends[1])


def _protocol(rule: Any) -> str:
    return next((text_of(one.value).lower() for one in at(rule, "IpProtocol")), "tcp")


def _risk(rule: Any) -> Risk:
    if _protocol(rule) in ("icmp", "icmpv6", "1", "58"):
        return Risk.LOW
    ports = _range(rule)
    if ports is None or _protocol(rule) == "-1" or any(ports[0] <= port <= ports[1] for port in _NEVER):
        return Risk.HIGH
    return Risk.LOW if ports[0] == ports[1] and ports[0] in _WEB else Risk.MEDIUM


def _ports(rule: Any) -> str:
    protocol, ports = _protocol(rule), _range(rule)
    if protocol in ("icmp", "icmpv6", "1", "58"):
        return "ICMP"
    if ports is None or protocol == "-1":
        written = next((text_of(one.value) for one in at(rule, "FromPort") if not is_known(one.value)), "")
        return written or "0–65535"
    first, last = ports
    called = f"{first}" if first == last else f"{first}–{last}"
    return f"{called} ({_NEVER[first]})" if first == last and first in _NEVER else called
