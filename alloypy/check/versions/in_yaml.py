"""What is said about a configuration in YAML, at its places there."""

from __future__ import annotations

from alloypy.check.manifests.manifests import Configuration
from alloypy.check.versions.bounds import Bound
from alloypy.check.versions.findings import Finding
from alloypy.check.versions.requires import Limit, Requirement


def placed_finding(finding: Finding, found: Configuration) -> Finding:
    """A finding at its place in the YAML, without its fixes, which would have to be quoted there."""
    return finding._replace(
        span=found.span(finding.span) if finding.span is not None else None,
        message=found.words(finding.message),
        fixes=(),
        further=tuple(placed_finding(each, found) for each in finding.further),
    )


def placed_requirement(requirement: Requirement, found: Configuration) -> Requirement:
    """What limits the versions, at its places in the YAML."""

    def bounds(given: tuple[Bound, ...]) -> tuple[Bound, ...]:
        return tuple(
            each._replace(span=found.span(each.span), detail=found.words(each.detail)) for each in given
        )

    def limit(given: Limit | None) -> Limit | None:
        return given._replace(bounds=bounds(given.bounds)) if given is not None else None

    windows = (
        each._replace(since=limit(each.since), until=limit(each.until)) for each in requirement.windows
    )
    return Requirement(
        requirement.mask,
        tuple(windows),
        bounds(requirement.conflict),
        tuple(map(found.diagnostic, requirement.faults)),
    )
