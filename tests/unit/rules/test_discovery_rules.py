"""What components that discover targets refuse, and what they only just accept."""

from __future__ import annotations

import pytest

from tests.support.checking import errors

MARATHON = 'servers = ["http://h"]'
SCALEWAY = 'project_id = "p"\nrole = "instance"\naccess_key = "k"'
LOGINS = "at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured"
TOKENS = "exactly one of bearer_token or bearer_token_file must be specified"
KEYS = "exactly one of secret_key or secret_key_file must be configured"
AWS_ROLES = "must be one of ec2, ecs, elasticache, lightsail, msk, rds"


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("aws", 'role = "s3"', f'2:1: unsupported role "s3": {AWS_ROLES}'),
        (
            "aws",
            'role = "ecs"\nfilter {\n  name = "n"\n  values = ["v"]\n}',
            '3:1: filter blocks are only supported with the ec2 and rds roles, not "ecs"',
        ),
        (
            "aws",
            'role = "ec2"\nfilter {\n  name = "n"\n  values = []\n}',
            "3:1: AWS SD configuration filter values cannot be empty",
        ),
        ("digitalocean", "", f"1:1: {TOKENS}"),
        ("digitalocean", 'bearer_token = "a"\nbearer_token_file = "b"', f"3:1: {TOKENS}"),
        ("dns", 'names = ["a"]\ntype = "TXT"', "3:1: invalid DNS-SD records type TXT"),
        (
            "dns",
            'names = ["a"]\ntype = "A"',
            "3:1: a port is required in DNS-SD configs for all record types except SRV",
        ),
        ("docker", 'host = ""', "2:1: host attribute must not be empty"),
        (
            "docker",
            'host = "http://[::1"',
            "2:1: parsing host attribute: parse \"http://[::1\": missing ']' in host",
        ),
        ("dockerswarm", 'host = "%zz"\nrole = "nodes"', '2:1: parse "%zz": invalid URL escape "%zz"'),
        (
            "dockerswarm",
            'host = "http://h"\nrole = "pods"',
            "3:1: invalid role pods, expected tasks, services, or nodes",
        ),
        ("eureka", 'server = "h"', "2:1: invalid eureka server URL"),
        ("eureka", 'server = "http://[::1"', "2:1: parse \"http://[::1\": missing ']' in host"),
        (
            "marathon",
            f'{MARATHON}\nauth_token = "a"\nauth_token_file = "b"',
            "4:1: at most one of auth_token and auth_token_file must be configured",
        ),
        (
            "marathon",
            MARATHON + '\nauth_token = "a"\nbasic_auth { }',
            "4:1: at most one of basic_auth, auth_token & auth_token_file must be configured",
        ),
        ("marathon", f'{MARATHON}\nauth_token = "a"\nbearer_token = "b"', f"4:1: {LOGINS}"),
        ("marathon", f'{MARATHON}\nauth_token_file = "a"\nbearer_token_file = "b"', f"4:1: {LOGINS}"),
        (
            "marathon",
            MARATHON + '\nauth_token_file = "a"\nauthorization { }',
            "4:1: at most one of auth_token, auth_token_file & authorization must be configured",
        ),
        ("nomad", 'server = " "', "2:1: nomad SD configuration requires a server address"),
        ("puppetdb", 'url = "ftp://h"\nquery = "q"', "2:1: URL scheme must be 'http' or 'https'"),
        ("puppetdb", 'url = "http://"\nquery = "q"', "2:1: host is missing in URL"),
        ("scaleway", SCALEWAY, f"1:1: {KEYS}"),
        ("scaleway", f'{SCALEWAY}\nsecret_key = "a"\nsecret_key_file = "b"', f"6:1: {KEYS}"),
        (
            "serverset",
            'servers = ["a"]\npaths = ["/a", "b"]',
            "3:1: discovery.serverset config paths must begin with '/': b",
        ),
        (
            "uyuni",
            'server = "%zz"\nusername = "u"\npassword = "p"',
            '2:1: invalid server URL: parse "%zz": invalid URL escape "%zz"',
        ),
    ],
)
def test_what_is_refused(name: str, body: str, expected: str) -> None:
    assert errors(f'discovery.{name} "x" {{\n{body}\n}}\n') == [f"c:{expected}"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("aws", 'role = "rds"\nfilter {\n  name = "n"\n  values = ["v"]\n}'),
        ("digitalocean", 'bearer_token = "a"'),
        ("dns", 'names = ["a"]\ntype = "A"\nport = 80'),
        ("docker", 'host = "unix:///run/docker.sock"'),
        ("dockerswarm", 'host = "http://h"\nrole = "tasks"'),
        ("eureka", 'server = "http://h"'),
        ("marathon", MARATHON + '\nauth_token = "a"'),
        ("nomad", 'server = "http://h"'),
        ("puppetdb", 'url = "https://h"\nquery = "q"'),
        ("scaleway", SCALEWAY + '\nsecret_key_file = "b"'),
        ("serverset", 'servers = ["a"]\npaths = ["/a", "/b"]'),
        ("uyuni", 'server = "http://h"\nusername = "u"\npassword = "p"'),
    ],
)
def test_what_is_taken(name: str, body: str) -> None:
    assert errors(f'discovery.{name} "x" {{\n{body}\n}}\n') == []
