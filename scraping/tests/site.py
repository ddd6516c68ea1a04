"""A small web site on a loopback address of its own, which plays a public host in tests."""

import io
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image as Picture

from gallery.tests.factories import picture, picture_file

PUBLIC = "127.0.0.2"
OTHER_PUBLIC = "127.0.0.3"
PRIVATE = "127.0.0.9"
# Their ports are any.
OPEN_HOSTS = [PUBLIC, OTHER_PUBLIC]

Answer = tuple[int, dict[str, str], bytes]


class Site:
    """Answers what was put at a path; remembers every path that was asked for."""

    def __init__(self, host: str = PUBLIC, port: int = 0) -> None:
        self.host = host
        self.scheme = "http"
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.asked: list[str] = []
        # Path and status of every answer.
        self.told: list[tuple[str, int]] = []
        self.agents: set[str] = set()
        # (path, headers, body) of every request.
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.closing = threading.Event()
        kind = _ServerV6 if ":" in host else _Server
        self._http = kind((host, port), _handler_of(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def port(self) -> int:
        return int(self._http.server_port)

    def __enter__(self) -> "Site":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def speak_https(self, folder: Path) -> None:
        """With a certificate that nobody vouches for; its files lie in the folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.host)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(self.host))]), False
            )
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        secret = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "pem").write_bytes(secret + made.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "pem")
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.scheme = "https"

    def put(self, path: str, body: bytes | str, kind: str = "", status: int = 200) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = (status, {"Content-Type": kind or "text/html; charset=utf-8"}, data)

    def page(self, path: str, html: str) -> None:
        self.put(path, f"<!doctype html><title>A page</title>{html}")

    def picture(self, path: str, seed: int, width: int = 64, height: int = 96) -> bytes:
        """A PNG that differs from others by its seed."""
        data = picture_file(seed, width, height)
        self.put(path, data, "image/png")
        return data

    def smaller_copy(self, path: str, seed: int) -> None:
        """The same picture in another format and size: a near duplicate."""
        file = io.BytesIO()
        picture(seed, 640, 960).resize((128, 192), Picture.Resampling.LANCZOS).save(file, "JPEG")
        self.put(path, file.getvalue(), "image/jpeg")

    def redirect(self, path: str, target: str) -> None:
        self.answers[path] = (302, {"Location": target}, b"")

    def slow(self, path: str, seconds: float = 600) -> None:
        """Never comes to its end while the test runs."""

        def answer() -> Answer:
            self.closing.wait(seconds)
            return 200, {"Content-Type": "image/png"}, b""

        self.answers[path] = answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A crawler that was stopped goes away in the middle."""


class _ServerV6(_Server):
    address_family = socket.AF_INET6


def _has_it(headers: dict[str, str], asked: Any) -> bool:
    """Whether the visitor has the very file already, as the headers of both say."""
    pairs = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
    return any(ours in headers and asked.get(theirs) == headers[ours] for ours, theirs in pairs)


def _handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            site.received.append((self.path, dict(self.headers), self.rfile.read(length)))
            site.asked.append(self.path)
            site.agents.add(self.headers.get("User-Agent", ""))
            answer = site.answers.get(self.path, (404, {}, b"Not here."))
            status, headers, body = answer() if callable(answer) else answer
            if status == 200 and _has_it(headers, self.headers):
                status, body = 304, b""
            site.told.append((self.path, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
