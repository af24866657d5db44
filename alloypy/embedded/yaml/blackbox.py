"""The config of prometheus.exporter.blackbox.

Source: blackbox_exporter v0.24.1-0.20230623125439-bd22efa1c900.
"""

from __future__ import annotations

from alloypy.embedded.yaml.documents import Node
from alloypy.embedded.yaml.http_clients import CLIENT, TLS, check_client
from alloypy.embedded.yaml.keys import Each, Items, Keys, keys
from alloypy.embedded.yaml.settings import filled, refuse, text

_MOST_TTL = 255
_CLASSES = ("ANY", "CH", "CS", "HS", "IN", "NONE")
_TYPES = """
A AAAA AFSDB ANY APL ATMA AVC AXFR CAA CDNSKEY CDS CERT CNAME CSYNC DHCID DLV DNAME DNSKEY
DS EID EUI48 EUI64 GID GPOS HINFO HIP HTTPS ISDN IXFR KEY KX L32 L64 LOC LP MAILA MAILB MB
MD MF MG MINFO MR MX NAPTR NID NIMLOC NINFO NS NSAP-PTR NSEC NSEC3 NSEC3PARAM NULL NXT None
OPENPGPKEY OPT PTR PX RKEY RP RRSIG RT Reserved SIG SMIMEA SOA SPF SRV SSHFP SVCB TA TALINK
TKEY TLSA TSIG TXT UID UINFO UNSPEC URI X25 ZONEMD
"""
"""The types that miekg/dns v1.1 names."""


def _http(node: Node) -> None:
    check_client(node)
    if filled(node, "body", "body_file") > 1:
        refuse("setting body and body_file both are not allowed", node)


def _header_match(node: Node) -> None:
    for name, words in (("header", "header name"), ("regexp", "regexp")):
        if not text(node, name):
            refuse(f"{words} must be set for HTTP header matchers", node)


def _dns(node: Node) -> None:
    if not text(node, "query_name"):
        refuse("query name must be set for DNS module", node)
    for name, known in (("class", _CLASSES), ("type", _TYPES.split())):
        value = text(node, f"query_{name}")
        if value and value not in known:
            refuse(f"query {name} '{value}' is not valid", node)


def _icmp(node: Node) -> None:
    ttl = text(node, "ttl", "0")
    number = int(ttl) if ttl.removeprefix("-").isdecimal() and ttl.isascii() and ttl[:1] != "0" else 0
    if number < 0:
        refuse('"ttl" cannot be negative', node)
    if number > _MOST_TTL:
        refuse(f'"ttl" cannot exceed {_MOST_TTL}', node)


_IP = "ip_protocol_fallback:bool preferred_ip_protocol"
_HEADERS = Items(keys("allow_missing:bool header regexp:regex")._replace(check=_header_match))
_HTTP = keys(
    "body body_file body_size_limit:size compression fail_if_body_matches_regexp:[]regex "
    "fail_if_body_not_matches_regexp:[]regex fail_if_not_ssl:bool fail_if_ssl:bool headers:{}text method "
    "no_follow_redirects:bool skip_resolve_phase_with_proxy:bool valid_http_versions:[]text "
    "valid_status_codes:[]int " + _IP,
    fail_if_header_matches=_HEADERS,
    fail_if_header_not_matches=_HEADERS,
    **CLIENT.fields,
)
_ANSWERS = keys(
    "fail_if_all_match_regexp:[]text fail_if_matches_regexp:[]text fail_if_none_matches_regexp:[]text "
    "fail_if_not_matches_regexp:[]text"
)
"""The probe compiles these expressions; Alloy loads them as they are."""
_DNS = keys(
    "dns_over_tls:bool query_class query_name query_type recursion_desired:bool source_ip_address "
    "transport_protocol valid_rcodes:[]text " + _IP,
    tls_config=TLS,
    validate_additional_rrs=_ANSWERS,
    validate_answer_rrs=_ANSWERS,
    validate_authority_rrs=_ANSWERS,
)
_TCP = keys(
    "source_ip_address tls:bool " + _IP,
    query_response=Items(keys("expect:regex send starttls:bool")),
    tls_config=TLS,
)
_ICMP = keys("dont_fragment:bool payload_size:int source_ip_address ttl:int " + _IP)
_PROBE = keys(
    "prober timeout:duration",
    dns=_DNS._replace(check=_dns),
    grpc=keys("service tls:bool " + _IP, tls_config=TLS),
    http=_HTTP._replace(check=_http),
    icmp=_ICMP._replace(check=_icmp),
    tcp=_TCP,
)
BLACKBOX: Keys = keys("", modules=Each(_PROBE))
"""The whole text."""
