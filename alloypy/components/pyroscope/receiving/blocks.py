"""The blocks that configure the servers of pyroscope.receive_http.

Source: docs/spec/PYROSCOPE.md, section 3.1.
"""

from __future__ import annotations

from typing import Annotated

from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.types import IntType
from alloypy.lang.values import Secret, UInt
from alloypy.schema.fields import arguments, attribute, block

FOREVER = Duration((1 << 63) - 1)

Int32 = Annotated[int, IntType(32)]
UInt32 = Annotated[int, IntType(32, False)]


@arguments
class TLS:
    """Serve TLS. It is on when there is both a certificate and a key."""

    cert_pem: str = attribute(default="", doc="Certificate chain, as PEM.")
    key_pem: Secret | None = attribute(default=None, doc="Key of the certificate, as PEM.")
    cert_file: str = attribute(default="", doc="File with the certificate chain; read again when it changes.")
    key_file: str = attribute(default="", doc="File with the key; read again when it changes.")
    client_auth_type: str = attribute(
        default="",
        doc="Whether clients need a certificate: NoClientCert, RequestClientCert, VerifyClientCertIfGiven or "
        "RequireAndVerifyClientCert.",
    )
    client_ca_file: str = attribute(
        default="", doc="File with the certificate authorities for client certificates."
    )
    client_ca: str = attribute(default="", doc="Certificate authorities for client certificates, as PEM.")
    cipher_suites: str = attribute(default="", doc="Cipher suites by Go's names, separated by commas.")
    min_version: str = attribute(default="", doc="Oldest version served, such as VersionTLS12.")


@arguments(shows_defaults=True)
class HTTP2:
    """Accepted so that configurations load; HTTP/2 is not served yet."""

    enabled: bool = attribute(default=False, doc="Serve HTTP/2 without TLS.")
    max_handlers: int = attribute(default=0, doc="Concurrent requests over all connections.")
    max_concurrent_streams: UInt32 = attribute(default=100, doc="Concurrent requests on a connection.")
    max_decoder_header_table_size: UInt32 = attribute(
        default=4096, doc="Bytes of the decoder's header table."
    )
    max_encoder_header_table_size: UInt32 = attribute(
        default=4096, doc="Bytes of the encoder's header table."
    )
    max_read_frame_size: UInt32 = attribute(default=0, doc="Largest frame in bytes.")
    permit_prohibited_ciphers: bool = attribute(default=False, doc="Allow ciphers that HTTP/2 forbids.")
    idle_timeout: Duration = attribute(default=Duration(0), doc="Close a connection that is idle this long.")
    read_idle_timeout: Duration = attribute(
        default=Duration(0), doc="Ping a connection that is silent this long."
    )
    ping_timeout: Duration = attribute(
        default=Duration(15 * SECOND), doc="Time to wait for the answer to a ping."
    )
    write_byte_timeout: Duration = attribute(
        default=Duration(0), doc="Close a connection that takes nothing this long."
    )
    max_upload_buffer_per_connection: Int32 = attribute(default=0, doc="Bytes buffered for a connection.")
    max_upload_buffer_per_stream: Int32 = attribute(default=0, doc="Bytes buffered for a request.")


@arguments(shows_defaults=True)
class HTTP:
    """The HTTP server."""

    listen_address: str = attribute(default="", doc="Address to listen on; all interfaces when empty.")
    listen_port: int = attribute(default=8080, doc="Port to listen on; 0 takes any free one.")
    conn_limit: int = attribute(
        default=16384, doc="Concurrent connections; others wait until one is closed. 0 means no limit."
    )
    server_read_timeout: Duration = attribute(
        default=Duration(30 * SECOND), doc="Time to receive a request. 0 means no limit."
    )
    server_write_timeout: Duration = attribute(
        default=Duration(30 * SECOND), doc="Time from a request's head to its answer. 0 means no limit."
    )
    server_idle_timeout: Duration = attribute(
        default=Duration(120 * SECOND), doc="Close a connection that has no requests this long."
    )
    tls: TLS | None = block(default=None, doc="Serve TLS.")
    http2: HTTP2 = block(default_factory=HTTP2, doc="Accepted; HTTP/2 is not served yet.")


@arguments(shows_defaults=True)
class GRPC:
    """Accepted so that configurations load; nothing is served there, so no port is opened."""

    listen_address: str = attribute(default="", doc="Address to listen on.")
    listen_port: int = attribute(default=0, doc="Port to listen on.")
    conn_limit: int = attribute(default=0, doc="Concurrent connections.")
    max_connection_age: Duration = attribute(default=FOREVER, doc="Longest life of a connection.")
    max_connection_age_grace: Duration = attribute(
        default=FOREVER, doc="Time for requests in flight at that age."
    )
    max_connection_idle: Duration = attribute(
        default=FOREVER, doc="Close a connection that is idle this long."
    )
    server_max_recv_msg_size: int = attribute(default=4 << 20, doc="Largest message received, in bytes.")
    server_max_send_msg_size: int = attribute(default=4 << 20, doc="Largest message sent, in bytes.")
    server_max_concurrent_streams: UInt = attribute(
        default=UInt(100), doc="Concurrent requests on a connection."
    )
    tls: TLS | None = block(default=None, doc="Serve TLS.")
