"""A local stand-in for Google's token endpoint, speaking OpenID Connect's wire format."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt

CLIENT_ID = "client-of-the-test"


@dataclass
class GoogleAccount:
    """Who signs in next, as Google would tell it."""

    email: str = "friend@example.org"
    email_verified: bool = True
    sub: str = "1001"
    seen: list[dict[str, list[str]]] = field(default_factory=list)

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": CLIENT_ID,
            "sub": self.sub,
            "email": self.email,
            "email_verified": self.email_verified,
            "name": "A Friend",
            "iat": now,
            "exp": now + 300,
        }
        return jwt.encode(claims, "a key that nobody checks over TLS!", algorithm="HS256")


@contextmanager
def google_server(account: GoogleAccount) -> Iterator[str]:
    """Serve the token endpoint on loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            account.seen.append(parse_qs(body))
            answer = {"access_token": "t", "token_type": "Bearer", "expires_in": 300}
            data = json.dumps(answer | {"id_token": account.id_token()}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Keep the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()
