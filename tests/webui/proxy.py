"""A reverse proxy as people put before a WebUI: it serves it below a path, websockets too. Standard library only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_BLOCK = 65536
_HEAD_END = b"\r\n\r\n"


@contextmanager
def served_below(port: int, path: str) -> Iterator[str]:
    """The address of what listens on ``port`` of this machine, below ``path`` ("/sd"), at this proxy. Elsewhere it is 404."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port, path.encode()), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{path}/"


def _accept(listener: socket.socket, port: int, path: bytes) -> None:
    with suppress(OSError):  # closed: the test is over
        while True:
            browser, _ = listener.accept()
            threading.Thread(target=_serve, args=(browser, port, path), daemon=True).start()


def _serve(browser: socket.socket, port: int, path: bytes) -> None:
    """One request, then the connection ends; an upgraded one goes on as bytes in both directions."""
    with browser, suppress(OSError):
        head, body = _read_head(browser)
        method, _, rest = head.partition(b" ")
        if not rest.startswith(path + b"/"):
            browser.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        lines = (method + b" " + rest[len(path) :]).split(b"\r\n")
        if not any(line.lower().startswith(b"upgrade:") for line in lines):
            lines = [line for line in lines if not line.lower().startswith(b"connection:")] + [b"Connection: close"]
        with socket.create_connection(("127.0.0.1", port)) as webui:
            webui.sendall(b"\r\n".join(lines) + _HEAD_END + body)
            threading.Thread(target=_copy, args=(browser, webui), daemon=True).start()
            _copy(webui, browser)


def _read_head(browser: socket.socket) -> tuple[bytes, bytes]:
    found = b""
    while _HEAD_END not in found:
        more = browser.recv(_BLOCK)
        if not more:
            raise OSError("the browser has gone")
        found += more
    head, _, body = found.partition(_HEAD_END)
    return head, body


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
