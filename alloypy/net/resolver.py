"""Looks up DNS records as Prometheus does: its rules for servers, search lists and failures.

`/etc/resolv.conf` is read for every lookup. Messages are dnspython's, from the extra `alloypy[dns]`, which is
imported with this module.
Source: the behaviour of discovery.dns recorded in tests/golden/components.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from typing import Any, NamedTuple

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV

from alloypy.files import read_regular
from alloypy.os_errors import errno_words, open_fault
from alloypy.threads import FILE_SECONDS, FILES

RESOLV_CONF = "/etc/resolv.conf"
SECONDS = 2.0
"""Seconds to wait for a server."""

_PORT = 53
_PAYLOAD_BYTES = 4096
_MOST_NDOTS = 15


class LookupFailed(Exception):
    """No server could say what there is, or that there is nothing."""


class ServerFailed(Exception):
    """A server did not answer; the text is Go's."""


class ResolvConf(NamedTuple):
    """What counts of a resolv.conf."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1


class Record(NamedTuple):
    """One record of an answer.

    kind: `A`, `SRV`, ... host: an address, or a name with its final dot; "" for other kinds. port: of SRV.
    text: the record as in a zone file.
    """

    kind: str
    host: str
    port: int
    text: str


def parse_resolv_conf(text: str) -> ResolvConf:
    """The settings in a resolv.conf; what makes no sense is skipped."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    ndots = 1
    for line in text.splitlines():
        if not line or line[0] in ";#":
            continue
        words = line.split()
        match words:
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["domain", domain, *_]:
                search = (domain,)
            case ["search", *domains]:
                search = tuple(domains)
            case ["options", *options]:
                for option in options:
                    if option.startswith("ndots:"):
                        ndots = _ndots(option.removeprefix("ndots:"))
    return ResolvConf(tuple(servers), search, ndots)


def _ndots(text: str) -> int:
    try:
        return max(0, min(int(text), _MOST_NDOTS))
    except ValueError:
        return 0


def names_to_try(name: str, conf: ResolvConf) -> list[str]:
    """The absolute names that a name may stand for, in order."""
    if name.endswith(".") and not name.endswith("\\."):
        return [name]
    absolute = f"{name}."
    names = [absolute + suffix.rstrip(".") + "." for suffix in conf.search]
    if name.count(".") >= conf.ndots:
        return [absolute, *names]
    return [*names, absolute]


async def lookup(name: str, kind: str, logger: logging.Logger) -> list[Record]:
    """The records of one kind; an empty list if there are none, or no such name.

    logger: where servers that do not answer are named. Raises LookupFailed.
    """
    path = RESOLV_CONF
    try:
        data = await FILES.run(lambda: read_regular(path), FILE_SECONDS, path)
    except (OSError, ValueError) as error:
        raise LookupFailed(f"could not load resolv.conf: {open_fault(path, error)}") from None
    conf = parse_resolv_conf(data.decode(errors="surrogateescape"))
    certain = True
    for each in names_to_try(name, conf):
        answer = await _ask_in_turn(each, kind, conf, logger)
        if answer is None:
            certain = False
        elif answer.rcode() == dns.rcode.NOERROR:
            return [_record(rrset) for rrset in answer.answer]
    if certain:
        return []
    raise LookupFailed(
        f'could not resolve "{name}": all servers responded with errors to at least one search domain'
    )


async def _ask_in_turn(
    name: str, kind: str, conf: ResolvConf, logger: logging.Logger
) -> dns.message.Message | None:
    """The first answer that says what there is, or that the name does not exist."""
    over_tcp = False
    for server in conf.servers:
        try:
            answer = await _ask(name, kind, server, over_tcp=over_tcp, edns=True)
            if answer.flags & dns.flags.TC and not over_tcp:
                over_tcp = True
                answer = await _ask(name, kind, server, over_tcp=True, edns=False)
        except ServerFailed as reason:
            fields = {"server": server, "name": name, "err": str(reason)}
            logger.warning("DNS resolution failed", extra={"fields": fields})
            continue
        if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return answer
    return None


async def _ask(name: str, kind: str, server: str, *, over_tcp: bool, edns: bool) -> dns.message.Message:
    """The answer of one server. Raises ServerFailed."""
    try:
        question = dns.message.make_query(
            dns.name.from_text(name.encode(errors="surrogateescape")),
            kind,
            use_edns=0 if edns else False,
            payload=_PAYLOAD_BYTES,
        )
        family = dns.inet.af_for_address(server.partition("%")[0])
    except (dns.exception.DNSException, ValueError) as error:
        raise ServerFailed(f"dns: {error}") from None
    protocol = "tcp" if over_tcp else "udp"
    # Connected, also for UDP: then it is known at once that nobody listens there.
    socktype = socket.SOCK_STREAM if over_tcp else socket.SOCK_DGRAM
    backend: Any = dns.asyncbackend.get_backend("asyncio")
    address = join_host_port(server, _PORT)
    try:
        connected = await backend.make_socket(family, socktype, 0, None, (server, _PORT), SECONDS)
    except (OSError, dns.exception.Timeout) as error:
        raise ServerFailed(f"dial {protocol} {address}: {_words(error, 'connect')}") from None
    async with connected:
        local = await connected.getsockname()
        try:
            if over_tcp:
                return await dns.asyncquery.tcp(
                    question, server, SECONDS, _PORT, sock=connected, one_rr_per_rrset=True
                )
            return await dns.asyncquery.udp(
                question, server, SECONDS, _PORT, sock=connected, one_rr_per_rrset=True, ignore_errors=True
            )
        except (OSError, EOFError, dns.exception.DNSException) as error:
            here = join_host_port(local[0], local[1])
            raise ServerFailed(f"read {protocol} {here}->{address}: {_words(error, 'read')}") from None


def _words(error: Exception, call: str) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "i/o timeout"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{call}: {errno_words(error.errno)}"
    return "EOF" if isinstance(error, EOFError) else f"dns: {error}"


def _record(found: dns.rrset.RRset) -> Record:
    """The only record in a set."""
    data = found[0]
    kind = dns.rdatatype.to_text(found.rdtype)
    host, port = "", 0
    if isinstance(data, A | AAAA):
        host = plain_address(data.address)
    elif isinstance(data, SRV):
        host, port = data.target.to_text(), data.port
    elif isinstance(data, MX):
        host = data.exchange.to_text()
    elif isinstance(data, NS):
        host = data.target.to_text()
    owner, family = found.name.to_text(), dns.rdataclass.to_text(found.rdclass)
    return Record(kind, host, port, f"{owner}\t{found.ttl}\t{family}\t{kind}\t{data.to_text()}")


def plain_address(text: str) -> str:
    """An address as Go prints it: an IPv4 address in an IPv6 one as IPv4."""
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def join_host_port(host: str, port: int) -> str:
    """`host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host or "%" in host else f"{host}:{port}"
