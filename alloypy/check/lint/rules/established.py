"""Warnings that the check of a configuration makes on its way; selected and explained like those of rules."""

from __future__ import annotations

from alloypy.check.lint.rule import Rule
from alloypy.graph import codes

_WRITE = """\
pyroscope.write "backend" {
  endpoint {
    url = "http://localhost:4040"
  }
}
"""

_CLIENT = """\
remote.http "a" {{
  url = "http://localhost"
  client {{ bearer_token = {} }}
}}
"""

_RECEIVER = """\
pyroscope.receive_http "a" {
  http {
    listen_address = "127.0.0.1"
    listen_port    = 9999
  }
  forward_to = []
}
"""

RULES = (
    Rule(
        codes.DEPRECATED,
        "old name of a function",
        "The function has moved into a namespace: env is sys.env, concat is array.concat, to_upper is "
        "string.to_upper and so on. The old name still works.",
        wrong='logging { level = env("LEVEL") }',
        right='logging { level = sys.env("LEVEL") }',
        default=True,
    ),
    Rule(
        codes.SHADOWING,
        "component hides a function",
        "A component has the name of a function of the standard library, which it hides.",
        wrong='declare "file" {\n  export "name" { value = "a" }\n}\n'
        'file "a" { }\nlocal.file "b" { filename = file.a.name }',
        right='declare "path" {\n  export "name" { value = "a" }\n}\n'
        'path "a" { }\nlocal.file "b" { filename = path.a.name }',
        default=True,
    ),
    Rule(
        codes.UNUSED,
        "nothing uses it",
        "The component only serves others, and none refers to it. Either it is no longer needed, or a "
        "reference to it is missing. An alloypy.queue that has destinations or is in Kafka is no such "
        "component: it delivers what is stored.",
        wrong='local.file "a" { filename = "a" }',
        right='logging { level = "debug" }',
        default=True,
    ),
    Rule(
        codes.PLAIN_SECRET,
        "secret in plain text",
        "Anybody who can read the file can read the secret. Use sys.env, local.file or remote.vault instead.",
        wrong=_CLIENT.format('"abc"'),
        right=_CLIENT.format('sys.env("TOKEN")'),
        default=True,
    ),
    Rule(
        codes.NUMBER_CHANGED,
        "number does not fit",
        "The number is cut to the size of the setting: a fraction is dropped, and a number that is too large "
        "or negative becomes another one.",
        wrong="tracing {\n  sampler {\n    jaeger_remote { max_operations = 1.5 }\n  }\n}",
        right="tracing {\n  sampler {\n    jaeger_remote { max_operations = 2 }\n  }\n}",
        default=True,
    ),
    Rule(
        codes.NO_URL,
        "not a URL",
        "The text is accepted, but fails when it is first used. A URL begins with http:// or https:// "
        "and a host; a port without a host, as in https://:4040, means this machine.",
        wrong=_WRITE.replace("http://", ""),
        right=_WRITE,
        default=True,
    ),
    Rule(
        codes.URL_PATH,
        "path that is added anyway",
        "alloypy appends the path of the API to the URL of a Pyroscope server, so the URL must end before "
        "it, as in http://pyroscope:4040.",
        wrong=_WRITE.replace(":4040", ":4040/ingest"),
        right=_WRITE,
        default=True,
    ),
    Rule(
        codes.UNSET_VARIABLE,
        "environment variable not set",
        "A variable that is not set is an empty text, which a URL, a credential or a label accepts silently. "
        'Provide a default with coalesce(sys.env("NAME"), "default"). validate knows the environment only '
        "with --env-file; run warns at each load.",
        wrong=_WRITE.replace('"http://localhost:4040"', 'sys.env("PYROSCOPE_URL")'),
        right=_WRITE.replace(
            '"http://localhost:4040"', 'coalesce(sys.env("PYROSCOPE_URL"), "http://localhost:4040")'
        ),
        default=True,
    ),
    Rule(
        codes.NOWHERE,
        "goes nowhere",
        "The component accepts data, but has nowhere to send it: a receiver in forward_to, or an endpoint "
        "block, is missing. An alloypy.queue in Kafka needs none: other machines may deliver what it stores.",
        wrong=_RECEIVER,
        right=_RECEIVER.replace("[]", "[pyroscope.write.backend.receiver]") + f"\n{_WRITE}",
        default=True,
    ),
)
