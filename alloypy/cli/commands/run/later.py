"""The modules that `run` needs only after its start; they are loaded while it serves.

OWN names our packages as a whole, or the components that most configurations have; the others name in their
registration what they need. FOREIGN names other modules that functions import: ours, and those of other
packages.
"""

from __future__ import annotations

OWN = (
    "alloypy.catalog.catalog",
    "alloypy.catalog.store:keep",
    "alloypy.components.http_client",
    "alloypy.components.local.file",
    "alloypy.components.pyroscope.receive_http",
    "alloypy.components.pyroscope.receiving.*",
    "alloypy.components.pyroscope.relabel",
    "alloypy.components.pyroscope.sending.*",
    "alloypy.components.pyroscope.write",
    "alloypy.components.remote.http_import",
    "alloypy.check.masking",
    "alloypy.lang.*",
    "alloypy.net.client.auth",
    "alloypy.net.backoff",
    "alloypy.net.client.client",
    "alloypy.net.client.connection",
    "alloypy.net.client.http2",
    "alloypy.net.server.http1.protocol",
    "alloypy.net.server.malloc",
    "alloypy.net.client.oauth2",
    "alloypy.net.server.tls",
    "alloypy.net.client.pool",
    "alloypy.profiles.push_json",
    "alloypy.rules.clients",
    "alloypy.rules.further",
    "alloypy.rules.imports",
    "alloypy.rules.own_relabel",
    "alloypy.rules.pyroscope",
    "alloypy.rules.relabel",
    "alloypy.rules.remote",
    "alloypy.rules.services",
    "alloypy.runtime.*",
    "alloypy.schema.*",
    "alloypy.services.exposition",
    "alloypy.services.process_stats",
    "alloypy.services.admin.support",
    "alloypy.syntax.diagnoser",
    "alloypy.syntax.render",
    "alloypy.syntax.scanner",
)

FOREIGN = (
    "decimal",
    "difflib",
    "email.utils",
    "encodings.idna",
    "fractions",
    "gzip",
    "hashlib",
    "hmac",
    "http",
    "platform",
    "re2",
    "resource",
    "tempfile",
    "zipfile",
)

# Keeping packages takes memory for a moment, which the modules that follow can have then.
LATER = ("alloypy.services.admin.kept_pages:keep", *FOREIGN, *OWN)
