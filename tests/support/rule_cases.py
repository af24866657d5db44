"""Small configurations, each of which breaks or keeps one rule of what alloypy runs.

FILE stands for a file that can be read, PEM for a certificate, KEY for its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

CLIENT: Mapping[str, str] = {
    "nothing": "",
    "basic": 'basic_auth { username = "u" password = "p" }',
    "basic file": 'basic_auth { username = "u" password_file = "FILE" }',
    "basic empty": "basic_auth { }",
    "basic twice": 'basic_auth { password = "p" password_file = "FILE" }',
    "basic empty password": 'basic_auth { password = "" password_file = "FILE" }',
    "authorization": 'authorization { type = "Token" credentials = "c" }',
    "authorization twice": 'authorization { credentials = "c" credentials_file = "FILE" }',
    "authorization basic": 'authorization { type = " BASIC " credentials = "c" }',
    "authorization basic and twice": (
        'authorization { type = "basic" credentials = "c" credentials_file = "FILE" }'
    ),
    "authorization without type": 'authorization { type = "" credentials = "c" }',
    "bearer": 'bearer_token = "t"',
    "bearer file": 'bearer_token_file = "FILE"',
    "bearer twice": 'bearer_token = "t" bearer_token_file = "FILE"',
    "bearer empty": 'bearer_token = "" basic_auth { }',
    "bearer and basic": 'bearer_token = "t" basic_auth { }',
    "basic and authorization": "basic_auth { } authorization { }",
    "two logins, both wrong": (
        'basic_auth { password = "p" password_file = "FILE" } authorization { type = "basic" }'
    ),
    "bearer null": "bearer_token = null basic_auth { }",
    "oauth2": 'oauth2 { client_id = "i" client_secret = "s" token_url = "http://127.0.0.1:9/t" }',
    "oauth2 file": 'oauth2 { client_id = "i" client_secret_file = "FILE" token_url = "http://h/t" }',
    "oauth2 empty": "oauth2 { }",
    "oauth2 without id": 'oauth2 { client_secret = "s" token_url = "http://127.0.0.1:9/t" }',
    "oauth2 without secret": 'oauth2 { client_id = "i" token_url = "http://127.0.0.1:9/t" }',
    "oauth2 without url": 'oauth2 { client_id = "i" client_secret = "s" }',
    "oauth2 two secrets": (
        'oauth2 { client_id = "i" client_secret = "s" client_secret_file = "FILE" token_url = "http://h/t" }'
    ),
    "oauth2 proxy": (
        'oauth2 { client_id = "i" client_secret = "s" token_url = "http://h/t" no_proxy = "a" }'
    ),
    "oauth2 everything": ('oauth2 { client_secret = "s" client_secret_file = "FILE" no_proxy = "a" }'),
    "oauth2 tls": (
        'oauth2 { client_id = "i" client_secret = "s" token_url = "http://h/t"\n'
        ' tls_config { ca_pem = "x" ca_file = "FILE" } }'
    ),
    "oauth2 and bearer": (
        'bearer_token = "t" oauth2 { client_id = "i" client_secret = "s" token_url = "http://h/t" }'
    ),
    "proxy": 'proxy_url = "http://127.0.0.1:9"',
    "proxy no_proxy": 'proxy_url = "http://127.0.0.1:9" no_proxy = "a"',
    "proxy empty": 'proxy_url = "" no_proxy = "a"',
    "proxy null": 'proxy_url = null no_proxy = "a"',
    "no_proxy alone": 'no_proxy = "a"',
    "proxy headers alone": 'proxy_connect_header = { "a" = ["b"] }',
    "proxy headers and empty url": 'proxy_url = "" proxy_connect_header = { "a" = ["b"] }',
    "proxy headers": 'proxy_url = "http://127.0.0.1:9" proxy_connect_header = { "a" = ["b"] }',
    "proxy environment": "proxy_from_environment = true",
    "proxy environment and url": 'proxy_from_environment = true proxy_url = "http://p"',
    "proxy environment and empty url": 'proxy_from_environment = true proxy_url = ""',
    "proxy environment and no_proxy": 'proxy_from_environment = true no_proxy = "a"',
    "proxy environment and both": 'proxy_from_environment = true proxy_url = "http://p" no_proxy = "a"',
    "proxy environment and headers": 'proxy_from_environment = true proxy_connect_header = { "a" = ["b"] }',
    "proxy bad": 'proxy_url = "http://%zz"',
    "header": 'http_headers = { "X-Own" = ["a"] }',
    "header reserved": 'http_headers = { "authorization" = ["a"] }',
    "header reserved without values": 'http_headers = { "HOST" = [] }',
    "headers reserved": 'http_headers = { "user-agent" = ["a"], "keep-alive" = ["b"] }',
    "header and proxy": 'http_headers = { "host" = [] } no_proxy = "a"',
    "tls": 'tls_config { ca_pem = "PEM" insecure_skip_verify = true }',
    "tls ca twice": 'tls_config { ca_pem = "x" ca_file = "FILE" }',
    "tls cert twice": 'tls_config { cert_pem = "x" cert_file = "FILE" key_pem = "k" }',
    "tls key twice": 'tls_config { cert_pem = "x" key_pem = "k" key_file = "FILE" }',
    "tls cert alone": 'tls_config { cert_pem = "x" }',
    "tls cert file alone": 'tls_config { cert_file = "FILE" }',
    "tls key alone": 'tls_config { key_pem = "k" }',
    "tls key file alone": 'tls_config { key_file = "FILE" }',
    "tls pair": 'tls_config { cert_pem = "PEM" key_pem = "KEY" }',
    "tls version": 'tls_config { min_version = "TLS12" }',
    "tls version bad": 'tls_config { min_version = "TLS14" }',
    "tls all wrong": 'tls_config { ca_pem = "x" ca_file = "FILE" cert_pem = "x" cert_file = "FILE" }',
    "null": "http_headers = null basic_auth { password = null password_file = null }",
}
"""Settings of an HTTP client."""

ENDPOINT: Mapping[str, str] = {
    "all settings": (
        'name = "n" remote_timeout = "1s" headers = { "a" = "b" } min_backoff_period = "1s"\n'
        ' max_backoff_period = "2s" max_backoff_retries = 0 retry_on_http_429 = false'
    ),
    "unknown attribute": "nope = 1",
    "wrong type": 'remote_timeout = "soon"',
}
WRITE: Mapping[str, str] = {
    "no endpoint": "",
    "external labels": 'external_labels = { "a" = "b" }',
    "labels of another type": "external_labels = { a = [] }",
    "endpoint without url": "endpoint { }",
    "tracing": "tracing { jaeger_propagator = false }",
    "tracing twice": "tracing { }\n tracing { }",
    "unknown block": "nope { }",
}
RULE: Mapping[str, str] = {
    "target": 'target_label = "a"',
    "no target": 'source_labels = ["a"]',
    "empty target": 'target_label = ""',
    "template": 'target_label = "${1}_x"',
    "template bad": 'target_label = "$1-b"',
    "template open": 'target_label = "${x"',
    "dash": 'target_label = "a-b"',
    "not utf-8": 'target_label = "a\\xff"',
    "lowercase not utf-8": 'action = "lowercase" target_label = "a\\xff"',
    "hashmod dollar": 'action = "hashmod" target_label = "$x-" modulus = 2',
    "hashmod": 'action = "hashmod" target_label = "a" modulus = 2',
    "hashmod without modulus": 'action = "hashmod" target_label = "a"',
    "hashmod without anything": 'action = "hashmod"',
    "modulus negative": 'action = "hashmod" target_label = "a" modulus = -1',
    "lowercase": 'action = "lowercase" target_label = "a"',
    "lowercase no target": 'action = "lowercase"',
    "uppercase replacement": 'action = "uppercase" target_label = "a" replacement = "r"',
    "uppercase default replacement": 'action = "uppercase" target_label = "a" replacement = "$1"',
    "keep": 'action = "keep" source_labels = ["a"] regex = "x"',
    "drop": 'action = "drop" source_labels = ["a"] regex = "x"',
    "keepequal": 'action = "keepequal" source_labels = ["a"] target_label = "b"',
    "keepequal no target": 'action = "keepequal"',
    "keepequal regex": 'action = "keepequal" target_label = "b" regex = "x"',
    "keepequal default regex": 'action = "keepequal" target_label = "b" regex = "(.*)"',
    "keepequal separator": 'action = "keepequal" target_label = "b" separator = ","',
    "dropequal modulus": 'action = "dropequal" target_label = "b" modulus = 1',
    "dropequal replacement": 'action = "dropequal" target_label = "b" replacement = "x"',
    "labelmap": 'action = "labelmap" regex = "a(.*)" replacement = "b$1"',
    "labelmap dash": 'action = "labelmap" replacement = "a-$1"',
    "labelmap empty": 'action = "labelmap" replacement = ""',
    "labeldrop": 'action = "labeldrop" regex = "a"',
    "labeldrop source": 'action = "labeldrop" source_labels = ["a"]',
    "labeldrop empty source": 'action = "labeldrop" source_labels = []',
    "labeldrop null source": 'action = "labeldrop" source_labels = null',
    "labeldrop separator": 'action = "labeldrop" separator = ","',
    "labelkeep target": 'action = "labelkeep" target_label = "a"',
    "labelkeep modulus": 'action = "labelkeep" modulus = 3',
    "action unknown": 'action = "rename"',
    "action empty": 'action = ""',
    "action null": 'action = null target_label = "a"',
    "regex bad": 'target_label = "a" regex = "("',
    "regex null": 'action = "keepequal" target_label = "a" regex = null',
}
RELABEL: Mapping[str, str] = {
    "no rule": "",
    "cache": "max_cache_size = 1",
    "no cache": "max_cache_size = 0",
    "negative cache": "max_cache_size = -1",
    "cache null": "max_cache_size = null",
    "cache text": 'max_cache_size = "many"',
    "two rules, both wrong": 'rule { action = "hashmod" }\n rule { action = "labelmap" replacement = "-" }',
    "no cache and a wrong rule": "max_cache_size = 0\n rule { }",
}
RECEIVER: Mapping[str, str] = {
    "free port": "http { listen_port = 0 }",
    "port too large": "http { listen_port = 65536 }",
    "port negative": "http { listen_port = -1 }",
    "address in brackets": 'http { listen_address = "[::1]" listen_port = 0 }',
    "tls": 'http { listen_port = 0 tls { cert_pem = "PEM" key_pem = "KEY" } }',
    "timeouts": 'http { listen_port = 0 server_read_timeout = "1s" }',
    "grpc": "grpc { listen_port = 1 }\n http { listen_port = 0 }",
    "http twice": "http { listen_port = 0 }\n http { listen_port = 0 }",
    "timeout of another type": "graceful_shutdown_timeout = []\n http { listen_port = 0 }",
    "no body size": "max_body_size = 0\n http { listen_port = 0 }",
    "negative bytes in flight": "max_bytes_in_flight = -1\n http { listen_port = 0 }",
    "own settings": "max_body_size = 1 max_bytes_in_flight = 0\n http { listen_port = 0 }",
    "header passed on": 'forward_headers = ["X-Scope-OrgID"]\n http { listen_port = 0 }',
    "header not passed on": 'forward_headers = ["Host"]\n http { listen_port = 0 }',
    "header with a blank": 'forward_headers = ["a b"]\n http { listen_port = 0 }',
}
DISCOVERY_DNS: Mapping[str, str] = {
    "services": "names = []",
    "no names": "",
    "addresses": 'names = [] type = "a" port = 80',
    "no port": 'names = [] type = "AAAA"',
    "unknown type": 'names = [] type = "TXT" port = 1',
    "large port": 'names = [] type = "A" port = 65536',
    "negative port": 'names = [] type = "A" port = -1',
    "never": 'names = [] refresh_interval = "0s"',
}
DISCOVERY_FILE: Mapping[str, str] = {
    "no files": "files = []",
    "seldom": 'files = ["a"] refresh_interval = "1h"',
    "never": 'files = ["a"] refresh_interval = "0s"',
    "backwards": 'files = ["a"] refresh_interval = "-1s"',
}
FILE_MATCH: Mapping[str, str] = {
    "no targets": "path_targets = []",
    "often": 'path_targets = [] sync_period = "1ms"',
    "never": 'path_targets = [] sync_period = "0s"',
    "odd label": "path_targets = [{ __path__ = [1] }]",
}
DISCOVERY_PROCESS: Mapping[str, str] = {
    "nothing": "",
    "everything": "discover_config { username = true uid = true cgroup_path = true }",
    "never": 'refresh_interval = "0s"',
    "odd label": "join = [{ a = {} }]",
}
DISCOVERY_DOCKER: Mapping[str, str] = {
    "socket": 'host = "unix:///no/such.sock"',
    "no host": 'host = ""',
    "bad host": 'host = "http://[::1"',
    "never": 'host = "tcp://127.0.0.1:9" refresh_interval = "0s"',
    "two logins": 'host = "tcp://127.0.0.1:9" bearer_token = "t" basic_auth { }',
    "filter": 'host = "tcp://127.0.0.1:9" filter { name = "label" values = ["a"] }',
}
DISCOVERY_RELABEL: Mapping[str, str] = {
    "no rules": 'targets = [{ a = "b" }]',
    "odd label": "targets = [{ a = [1] }]",
    "odd label of one": "targets = [{ a = 1 }, { a = 1, b = coalesce }]",
    "breaking out": 'targets = [] rule { regex = "a)|(b"\n action = "labeldrop" }',
    "closing bracket": 'targets = [] rule { regex = "[)]\\\\)"\n action = "labeldrop" }',
}

FILE: Mapping[str, str] = {
    "file": 'filename = "FILE"',
    "secret": 'filename = "FILE" is_secret = true',
    "no name": "",
    "poll": 'filename = "FILE" detector = "poll" poll_frequency = "1s"',
    "detector unknown": 'filename = "FILE" detector = "inotify"',
    "detector empty": 'filename = "FILE" detector = ""',
    "frequency zero": 'filename = "FILE" poll_frequency = "0s"',
    "frequency negative": 'filename = "FILE" poll_frequency = "-1s"',
    "frequency null": 'filename = "FILE" poll_frequency = null',
}
POLLING: Mapping[str, str] = {
    "import": "",
    "times": 'poll_frequency = "5s" poll_timeout = "1s"',
    "frequency zero": 'poll_frequency = "0s"',
    "timeout zero": 'poll_timeout = "0s"',
    "timeout longer": 'poll_frequency = "5s" poll_timeout = "6s"',
    "timeout equal": 'poll_frequency = "5s" poll_timeout = "5s"',
    "frequency below the default timeout": 'poll_frequency = "5s"',
    "method": 'method = "POST" body = "b" headers = { "a" = "b" }',
    "method bad": 'method = "a b"',
}
SERVER_TLS: Mapping[str, str] = {
    "pair": 'cert_pem = "PEM" key_pem = "KEY"',
    "files": 'cert_file = "FILE" key_file = "FILE"',
    "nothing": "",
    "no key": 'cert_pem = "PEM"',
    "no cert": 'key_pem = "KEY"',
    "cert twice": 'cert_pem = "PEM" cert_file = "FILE" key_pem = "KEY"',
    "key twice": 'cert_pem = "PEM" key_pem = "KEY" key_file = "FILE"',
    "ca twice": 'cert_pem = "PEM" key_pem = "KEY" client_ca_pem = "PEM" client_ca_file = "FILE"',
    "ca unused": 'cert_pem = "PEM" key_pem = "KEY" client_ca_pem = "PEM"',
    "ca used": (
        'cert_pem = "PEM" key_pem = "KEY" client_ca_pem = "PEM" client_auth_type = "RequestClientCert"'
    ),
    "everything twice": 'cert_pem = "PEM" cert_file = "FILE" key_pem = "KEY" key_file = "FILE"',
    "version": 'cert_pem = "PEM" key_pem = "KEY" min_version = "TLS12"',
    "version bad": 'cert_pem = "PEM" key_pem = "KEY" min_version = "SSL3"',
    "cipher bad": 'cert_pem = "PEM" key_pem = "KEY" cipher_suites = ["x"]',
    "curve bad": 'cert_pem = "PEM" key_pem = "KEY" curve_preferences = ["x"]',
    "client auth bad": 'cert_pem = "PEM" key_pem = "KEY" client_auth_type = "Sometimes"',
    "windows": "windows_certificate_filter {\n server { }\n client { }\n }",
    "windows and cert": 'cert_pem = "PEM" windows_certificate_filter {\n server { }\n client { }\n }',
    "windows without server": "windows_certificate_filter {\n client { }\n }",
}
WHOLE: Mapping[str, str] = {
    "logging": 'logging { level = "debug" format = "json" }',
    "logging empty level": 'logging { level = "" format = "" }',
    "logging level": 'logging { level = "loud" }',
    "logging format": 'logging { format = "xml" }',
    "logging destination": 'logging { destination = "syslog" }',
    "logging windows": 'logging { destination = "windows_event_log" }',
    "logging type": "logging { level = 5 }",
    "tracing": "tracing { sampling_fraction = 0.5 }",
    "tracing type": 'tracing { sampling_fraction = "half" }',
    "tracing fraction": "tracing { sampling_fraction = 2 }",
    "tracing sampler": "tracing {\n sampler {\n jaeger_remote { max_operations = 1 }\n }\n}",
    "livedebugging": "livedebugging { enabled = true }",
    "labelstore": "labelstore { }",
    "labelstore attribute": "labelstore { a = 1 }",
    "ui": "ui { }",
    "http auth": 'http {\n auth {\n basic { username = "u" password = "p" }\n }\n}',
    "http auth without password": 'http {\n auth {\n basic { username = "u" }\n }\n}',
    "http filter": 'http {\n auth {\n filter { paths = ["/"] authenticate_matching_paths = false }\n }\n}',
    "remotecfg": "remotecfg { }",
    "remotecfg often": 'remotecfg { poll_frequency = "9s" }',
    "remotecfg seldom": 'remotecfg { poll_frequency = "10s" }',
    "remotecfg reserved": 'remotecfg { attributes = { "collector.os" = "x" } }',
    "remotecfg both": 'remotecfg { poll_frequency = "9s" attributes = { "collector.os" = "x" } }',
    "remotecfg url": 'remotecfg { url = "http://127.0.0.1:9" }',
    "import.git": 'import.git "x" { repository = "r" path = "p" }',
    "import.git HEAD": 'import.git "x" { repository = "r" path = "p" revision = "HEAD" }',
    "import.git pulled too often": 'import.git "x" { repository = "r" path = "p" pull_frequency = "1ms" }',
    "import.git pulled each second": 'import.git "x" { repository = "r" path = "p" pull_frequency = "1s" }',
    "import.git never pulled again": 'import.git "x" { repository = "r" path = "p" pull_frequency = "0s" }',
    "import.git password file": """import.git "x" {
  repository = "r"
  path       = "p"
  basic_auth {
    username      = "u"
    password_file = "/f"
  }
}""",
    "import.string": 'import.string "x" { content = "declare \\"a\\" { }" }',
    "import.string without content": 'import.string "x" { }',
    "import.string bad content": 'import.string "x" { content = "declare {" }',
    "import.file": 'import.file "x" { filename = "FILE" }',
    "import.file detector": 'import.file "x" { filename = "FILE" detector = "inotify" }',
    "import.file frequency": 'import.file "x" { filename = "FILE" poll_frequency = "0s" }',
    "import.http without url": 'import.http "x" { }',
    "foreach": 'foreach "x" {\n collection = [1]\n var = "v"\n template { }\n}',
    "foreach without var": 'foreach "x" {\n collection = [1]\n template { }\n}',
    "foreach without collection": 'foreach "x" {\n var = "v"\n template { }\n}',
    "foreach without template": 'foreach "x" {\n collection = [1]\n var = "v"\n}',
    "foreach over a number": 'foreach "x" {\n collection = 1\n var = "v"\n template { }\n}',
    "foreach bad var": 'foreach "x" {\n collection = [1]\n var = "a-b"\n template { }\n}',
    "foreach rule": (
        'foreach "x" {\n collection = [0]\n var = "v"\n template {\n'
        '  pyroscope.relabel "r" {\n   forward_to = []\n   max_cache_size = v\n  }\n }\n}'
    ),
    "declare": 'declare "a" {\n argument "b" { optional = true }\n export "c" { value = 1 }\n}\na "x" { }',
    "declare without argument": 'declare "a" {\n argument "b" { }\n}\na "x" { }',
    "declare unknown argument": 'declare "a" { }\na "x" { b = 1 }',
    "declare rule": (
        'declare "a" {\n argument "size" { }\n pyroscope.relabel "r" {\n  forward_to = []\n'
        '  max_cache_size = argument.size.value\n }\n}\na "x" { size = 0 }'
    ),
    "argument at the root": 'argument "b" { }',
    "export at the root": 'export "b" { value = 1 }',
    "export without value": 'declare "a" {\n export "c" { }\n}\na "x" { }',
    "argument optional": 'declare "a" {\n argument "b" { optional = 1 }\n}\na "x" { b = 1 }',
    "two receivers": (
        'pyroscope.receive_http "a" {\n forward_to = []\n http { listen_port = 47813 }\n}\n'
        'pyroscope.receive_http "b" {\n forward_to = []\n http { listen_port = 47813 }\n}'
    ),
    "two receivers on the default port": (
        'pyroscope.receive_http "a" {\n forward_to = []\n}\npyroscope.receive_http "b" {\n forward_to = []\n}'
    ),
    "no such component": 'pyroscope.send "a" { }',
    "no label": "pyroscope.write { }",
}


QUEUE: Mapping[str, str] = {
    "nobody to forward to": "",
    "nobody to forward to, disk": "disk { }",
    "nobody to forward to, kafka": 'kafka { brokers = ["k:9092"] }',
    "disk and kafka": 'disk { path = "/q" } kafka { brokers = ["k:9092"] }',
    "empty disk and kafka": 'disk { } kafka { brokers = ["k:9092"] }',
    "small": 'kafka { brokers = ["k:9092"] } max_size = "1KiB"',
}

KAFKA: Mapping[str, str] = {
    "without brokers": "brokers = []",
    "broker without port": 'brokers = ["k:9092", "kafka"]',
    "broker with port 0": 'brokers = ["k:0"]',
    "broker with a scheme": 'brokers = ["http://k"]',
    "topic with a slash": 'brokers = ["k:9092"] topic = "a/b"',
    "no topic": 'brokers = ["k:9092"] topic = ""',
    "no group": 'brokers = ["k:9092"] group_id = ""',
    "no time": 'brokers = ["k:9092"] timeout = "0s"',
    "tiny messages": 'brokers = ["k:9092"] max_message_bytes = 100',
    "no partitions": 'brokers = ["k:9092"] partitions = 0',
    "negative replicas": 'brokers = ["k:9092"] replication_factor = -1',
    "compression": 'brokers = ["k:9092"] compression = "brotli"',
    "offset": 'brokers = ["k:9092"] initial_offset = "middle"',
    "plaintext": 'brokers = ["k:9092"] authentication { plaintext { username = "u" password = "p" } }',
    "mechanism": (
        'brokers = ["k:9092"] '
        'authentication { sasl { mechanism = "AWS_MSK_IAM" username = "u" password = "p" } }'
    ),
    "two logins": (
        'brokers = ["k:9092"] authentication { plaintext { username = "u" password = "p" } '
        'sasl { mechanism = "PLAIN" username = "u" password = "p" } }'
    ),
    "tls": 'brokers = ["k:9092"] tls { insecure = true min_version = "1.2" }',
    "tls version": 'brokers = ["k:9092"] tls { min_version = "TLS12" }',
    "tls certificate alone": 'brokers = ["k:9092"] tls { cert_file = "FILE" }',
    "tls key alone": 'brokers = ["k:9092"] tls { key_pem = "k" }',
    "tls two authorities": 'brokers = ["k:9092"] tls { ca_file = "FILE" ca_pem = "p" }',
}

_BETWEEN = re.compile(r"""(?<=["\]}\w]) (?=[a-z_0-9]+ (?:= |\{))""")
"""The space between two settings on one line; they share a line only for readability."""


def _in(name: str, settings: Mapping[str, str], form: str) -> Iterator[tuple[str, str]]:
    for case, text in settings.items():
        yield f"{name}: {case}", form.replace("HERE", _BETWEEN.sub("\n", text)) + "\n"


_WRITE = 'pyroscope.write "x" {\n endpoint {\n url = "http://127.0.0.1:9"\n HERE\n }\n}'
_IMPORT = 'import.http "x" {\n url = "http://127.0.0.1:9"\n HERE\n}'

CASES: Mapping[str, str] = dict((
    *_in("write", CLIENT, _WRITE),
    *_in("endpoint", ENDPOINT, _WRITE),
    *_in("pyroscope.write", WRITE, 'pyroscope.write "x" {\n HERE\n}'),
    *_in("rule", RULE, 'pyroscope.relabel "x" {\n forward_to = []\n rule {\n HERE\n }\n}'),
    *_in("alloypy.queue", QUEUE, 'alloypy.queue "x" {\n forward_to = []\n HERE\n}'),
    *_in("kafka", KAFKA, 'alloypy.queue "x" {\n forward_to = []\n kafka {\n HERE\n }\n}'),
    *_in("pyroscope.relabel", RELABEL, 'pyroscope.relabel "x" {\n forward_to = []\n HERE\n}'),
    *_in("pyroscope.receive_http", RECEIVER, 'pyroscope.receive_http "x" {\n forward_to = []\n HERE\n}'),
    *_in("discovery.dns", DISCOVERY_DNS, 'discovery.dns "x" {\n HERE\n}'),
    *_in("discovery.http client", CLIENT, 'discovery.http "x" {\n url = "http://127.0.0.1:9/"\n HERE\n}'),
    *_in("discovery.file", DISCOVERY_FILE, 'discovery.file "x" {\n HERE\n}'),
    *_in("discovery.process", DISCOVERY_PROCESS, 'discovery.process "x" {\n HERE\n}'),
    *_in("discovery.docker", DISCOVERY_DOCKER, 'discovery.docker "x" {\n HERE\n}'),
    *_in("discovery.relabel", DISCOVERY_RELABEL, 'discovery.relabel "x" {\n HERE\n}'),
    *_in("local.file_match", FILE_MATCH, 'local.file_match "x" {\n HERE\n}'),
    *_in("local.file", FILE, 'local.file "x" {\n HERE\n}'),
    *_in("import.http client", CLIENT, _IMPORT.replace("HERE", "client {\n HERE\n }")),
    *_in("import.http", POLLING, _IMPORT),
    *_in("http", SERVER_TLS, "http {\n tls {\n HERE\n }\n}"),
    *_in("whole", WHOLE, "HERE"),
))  # fmt: skip
"""The configurations by name."""
