"""Who is refused before a request is read: another site's page, and whoever asks for this machine under another name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tag_atelier.jobs.origins import OnlyThisMachine


async def _page(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "page"})


def answered(kind: str, *headers: tuple[bytes, bytes]) -> list[dict[str, Any]]:
    """What is sent to a connection with these headers."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(OnlyThisMachine(_page)({"type": kind, "headers": headers}, None, send))
    return sent


@pytest.mark.parametrize("name", [b"localhost", b"LOCALHOST:7861", b"127.0.0.1:7861", b"127.0.0.2", b"[::1]:7861"])
def test_this_machine_is_served(name: bytes) -> None:
    assert answered("http", (b"host", name)) == [{"type": "page"}]
    assert answered("websocket", (b"host", name)) == [{"type": "page"}]


@pytest.mark.parametrize("name", [b"elsewhere.example", b"127.0.0.1.nip.example:7861", b"192.168.0.5", b"", b"[::", b"\xff"])
def test_another_name_is_refused_with_a_sentence(name: bytes) -> None:
    start, body = answered("http", (b"host", name))
    assert start["status"] == 403
    assert b"expected localhost or 127.0.0.1" in body["body"]
    assert answered("websocket", (b"host", name)) == [{"type": "websocket.close", "code": 1008}]


def test_a_request_without_a_name_is_refused_and_the_servers_own_messages_pass() -> None:
    assert answered("http")[0]["status"] == 403
    assert answered("lifespan") == [{"type": "page"}]
