"""What `run` needs after its start: the modules that are loaded while it serves.

Packages of our own are named as a whole; of others, what ours import in functions, and what they
import in functions themselves.
"""

from __future__ import annotations

OWN = (
    "alloypy.catalog.catalog:load_catalog",
    "alloypy.components.*",
    "alloypy.graph.masking",
    "alloypy.lang.*",
    "alloypy.net.auth",
    "alloypy.net.backoff",
    "alloypy.net.client",
    "alloypy.net.connection",
    "alloypy.net.http2",
    "alloypy.net.http_protocol",
    "alloypy.net.memory",
    "alloypy.net.oauth2",
    "alloypy.net.server_tls",
    "alloypy.net.transport",
    "alloypy.profiles.json_tokens",
    "alloypy.profiles.push_json",
    "alloypy.runtime.*",
    "alloypy.schema.*",
    "alloypy.services.exposition",
    "alloypy.services.process_stats",
    "alloypy.services.support",
    "alloypy.syntax.diagnoser",
    "alloypy.syntax.render",
    "alloypy.syntax.scanner",
)

FOREIGN = (
    "ctypes",
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
    "starlette.applications",
    "starlette.convertors",
    "starlette.routing",
    "tempfile",
    "zipfile",
)

LATER = (*FOREIGN, *OWN)
