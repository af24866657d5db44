"""Rules of the discovery components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.text import quote
from alloypy.rules.clients import HTTP_CLIENT, proxy
from alloypy.rules.forms import accepting, exactly_one, not_empty, one_of, parse_url, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

REFRESH = positive("refresh_interval")
_ADDRESS_TYPES = ("A", "AAAA", "MX", "NS")
_AWS_ROLES = ("ec2", "ecs", "elasticache", "lightsail", "msk", "rds")


@accepting(type=("SRV", *_ADDRESS_TYPES))
def dns_type(body: View) -> Iterator[Fault]:
    """The record type is known; all types but SRV need a port."""
    kind = body.text("type")
    if kind.upper() in _ADDRESS_TYPES:
        if body.get("port") == 0:
            message = "a port is required in DNS-SD configs for all record types except SRV"
            yield Fault("port" if body.given("port") else "type", message)
    elif kind.upper() != "SRV":
        yield Fault("type", f"invalid DNS-SD records type {kind}")


def docker_host(body: View) -> Iterator[Fault]:
    """A Docker host is a URL."""
    host = body.text("host")
    if not host:
        yield Fault("host", "host attribute must not be empty")
        return
    try:
        parse_url(host)
    except ValueError as error:
        yield Fault("host", f"parsing host attribute: {error}")


def swarm_host(body: View) -> Iterator[Fault]:
    """A Swarm host is a URL."""
    try:
        parse_url(body.text("host"))
    except ValueError as error:
        yield Fault("host", str(error))


def digitalocean_token(body: View) -> Iterator[Fault]:
    """One token: in the configuration or in a file."""
    if body.filled("bearer_token") == body.filled("bearer_token_file"):
        message = "exactly one of bearer_token or bearer_token_file must be specified"
        yield Fault("bearer_token_file" if body.given("bearer_token_file") else "", message)


def eureka_server(body: View) -> Iterator[Fault]:
    """A Eureka server is an absolute URL."""
    try:
        url = parse_url(body.text("server"))
    except ValueError as error:
        yield Fault("server", str(error))
        return
    if not (url.scheme and url.host):
        yield Fault("server", "invalid eureka server URL")


def puppetdb_url(body: View) -> Iterator[Fault]:
    """PuppetDB is queried over HTTP."""
    try:
        url = parse_url(body.text("url"))
    except ValueError as error:
        yield Fault("url", str(error))
        return
    if url.scheme not in {"http", "https"}:
        yield Fault("url", "URL scheme must be 'http' or 'https'")
    elif not url.host:
        yield Fault("url", "host is missing in URL")


def marathon_login(body: View) -> Iterator[Fault]:
    """Marathon's own token excludes the HTTP client's authentication settings."""
    token, file = body.filled("auth_token"), body.filled("auth_token_file")
    if token and file:
        yield Fault("auth_token_file", "at most one of auth_token and auth_token_file must be configured")
    elif token or file:
        if body.given("basic_auth"):
            message = "at most one of basic_auth, auth_token & auth_token_file must be configured"
            yield Fault("basic_auth", message)
        elif body.filled("bearer_token") or body.filled("bearer_token_file"):
            message = (
                "at most one of bearer_token, bearer_token_file, auth_token & auth_token_file "
                "must be configured"
            )
            yield Fault("bearer_token" if body.given("bearer_token") else "bearer_token_file", message)
        elif body.given("authorization"):
            message = "at most one of auth_token, auth_token_file & authorization must be configured"
            yield Fault("authorization", message)


def nomad_server(body: View) -> Iterator[Fault]:

    if not body.text("server").strip():
        yield Fault("server", "nomad SD configuration requires a server address")


def serverset_paths(body: View) -> Iterator[Fault]:
    """Zookeeper's paths begin with a slash."""
    for path in body.get("paths"):
        if not path.startswith("/"):
            message = f"discovery.serverset config paths must begin with '/': {path}"
            yield Fault("paths", message)
            return


def uyuni_server(body: View) -> Iterator[Fault]:
    """Uyuni's server is a URL."""
    try:
        parse_url(body.text("server"))
    except ValueError as error:
        yield Fault("server", f"invalid server URL: {error}")


def scaleway_key(body: View) -> Iterator[Fault]:
    """One secret key: in the configuration or in a file."""
    if body.filled("secret_key") == body.filled("secret_key_file"):
        message = "exactly one of secret_key or secret_key_file must be configured"
        yield Fault("secret_key_file" if body.given("secret_key_file") else "", message)


def filter_values(message: str) -> Rule:

    def rule(body: View) -> Iterator[Fault]:
        for inner in body.blocks("filter"):
            if not inner.filled("values"):
                yield Fault("filter", message)
                return

    return rule


@accepting(role=_AWS_ROLES)
def aws_role(body: View) -> Iterator[Fault]:
    """The services that can be discovered, and the settings that only some of them accept."""
    role = body.text("role")
    if role not in _AWS_ROLES:
        message = f"unsupported role {quote(role)}: must be one of {', '.join(_AWS_ROLES)}"
        yield Fault("role", message)
    elif body.given("filter") and role not in {"ec2", "rds"}:
        message = f"filter blocks are only supported with the ec2 and rds roles, not {quote(role)}"
        yield Fault("filter", message)


_TLS_CLIENT = (proxy,)

BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "discovery.aws": (aws_role, filter_values("AWS SD configuration filter values cannot be empty")),
    "discovery.azure": (
        exactly_one(
            "oauth",
            "managed_identity",
            "sdk_auth",
            "workload_identity",
            message=(
                "exactly one of oauth, managed_identity, sdk_auth, or workload_identity must be specified"
            ),
        ),
        *_TLS_CLIENT,
    ),
    "discovery.consul": (REFRESH, *HTTP_CLIENT),
    "discovery.consulagent": (REFRESH,),
    "discovery.digitalocean": (digitalocean_token, *_TLS_CLIENT),
    "discovery.dns": (dns_type,),
    "discovery.docker": (docker_host, REFRESH, *HTTP_CLIENT),
    "discovery.dockerswarm": (
        swarm_host,
        REFRESH,
        one_of(
            "role",
            "services",
            "nodes",
            "tasks",
            message="invalid role {value}, expected tasks, services, or nodes",
        ),
        *HTTP_CLIENT,
    ),
    "discovery.ec2": (filter_values("EC2 SD configuration filter values cannot be empty"),),
    "discovery.eureka": (eureka_server, *HTTP_CLIENT),
    "discovery.hetzner": (
        one_of("role", "robot", "hcloud", message="unknown role {value}, must be one of robot or hcloud"),
        *HTTP_CLIENT,
    ),
    "discovery.ionos": (not_empty("datacenter_id", "datacenter_id can't be empty"), REFRESH, *HTTP_CLIENT),
    "discovery.kubelet": HTTP_CLIENT,
    "discovery.kubernetes": HTTP_CLIENT,
    "discovery.kuma": (REFRESH, positive("fetch_timeout"), *HTTP_CLIENT),
    "discovery.linode": (REFRESH, *HTTP_CLIENT),
    "discovery.marathon": (
        REFRESH,
        not_empty("servers", "at least one Marathon server must be specified"),
        marathon_login,
        *HTTP_CLIENT,
    ),
    "discovery.nerve": (positive("timeout"),),
    "discovery.nomad": (nomad_server, *HTTP_CLIENT),
    "discovery.openstack": (
        one_of(
            "availability",
            "public",
            "internal",
            "admin",
            message="unknown availability {value}, must be one of admin, internal or public",
        ),
        one_of(
            "role",
            "instance",
            "hypervisor",
            message="unknown availability {value}, must be one of instance or hypervisor",
        ),
    ),
    "discovery.ovhcloud": (
        *(
            not_empty(name, f"{name} cannot be empty")
            for name in ("endpoint", "application_key", "application_secret", "consumer_key")
        ),
        one_of("service", "dedicated_server", "vps", message="unknown service: {value}"),
    ),
    "discovery.puppetdb": (puppetdb_url, *HTTP_CLIENT),
    "discovery.scaleway": (
        not_empty("project_id", "project_id must not be empty"),
        scaleway_key,
        not_empty("access_key", "access_key must not be empty"),
        proxy,
    ),
    "discovery.serverset": (
        not_empty("servers", "discovery.serverset config must contain at least one Zookeeper server"),
        not_empty("paths", "discovery.serverset config must contain at least one path"),
        serverset_paths,
    ),
    "discovery.triton": (REFRESH,),
    "discovery.uyuni": (uyuni_server, *_TLS_CLIENT),
}
"""Rules by the component's name."""
