"""A server of bytes: answers as no honest one does."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from scraping.tests.site import PUBLIC

# Given the connection, the path that was asked for, and an event that ends the test.
Answer = Callable[[socket.socket, str, threading.Event], None]


class RawServer:
    """answers: path → what sends its bytes; 404 for all others. sent: bytes by path, if counted."""

    def __init__(self, host: str = PUBLIC) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = threading.Event()
        self._socket = socket.create_server((host, 0))
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "RawServer":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                data = connection.recv(65536)
                if not data:
                    return
                head += data
            path = head.split(b" ", 2)[1].decode()
            self.asked.append(path)
            answer = self.answers.get(path)
            if answer is None:
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            else:
                answer(connection, path, self.closing)

    def raw(self, path: str, data: bytes) -> None:
        """Sends these bytes and hangs up."""
        self.answers[path] = lambda connection, *_: connection.sendall(data)

    def page(self, path: str, html: str) -> None:
        body = f"<!doctype html><title>A page</title>{html}".encode()
        self.raw(path, with_head(body))

    def drip(self, path: str, first: bytes, drop: bytes = b".", every_s: float = 0.2) -> None:
        """Sends drop after drop, for ever."""

        def answer(connection: socket.socket, path: str, closing: threading.Event) -> None:
            connection.sendall(first)
            while not closing.wait(every_s):
                connection.sendall(drop)

        self.answers[path] = answer

    def flood(self, path: str, first: bytes, more: Callable[[int], bytes]) -> None:
        """Sends more(0), more(1), … as fast as they are taken, for ever."""

        def answer(connection: socket.socket, path: str, closing: threading.Event) -> None:
            connection.sendall(first)
            number = 0
            while not closing.is_set():
                connection.sendall(more(number))
                number += 1

        self.answers[path] = answer


def with_head(body: bytes, kind: str = "text/html; charset=utf-8", **headers: Any) -> bytes:
    """headers: with _ for -; Content_Length wins over the right one."""
    named = {"Content_Type": kind, "Content_Length": len(body), "Connection": "close"} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body
