"""AWS's partitions: worlds of their own, with their own ARNs, hosts and consoles (aws, China, GovCloud)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """`suffix` ends the hosts of its APIs; `console` is its console's host."""

    name: str
    suffix: str
    console: str


COMMERCIAL = Partition("aws", "amazonaws.com", "console.aws.amazon.com")
CHINA = Partition("aws-cn", "amazonaws.com.cn", "console.amazonaws.cn")
GOVCLOUD = Partition("aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com")


def of_region(region: str) -> Partition:
    """The partition a region is in, by its name; the commercial one for what is none of China's or GovCloud's."""
    if region.startswith("cn-"):
        return CHINA
    return GOVCLOUD if region.startswith("us-gov-") else COMMERCIAL
