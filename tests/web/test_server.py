"""The server skeleton over real sockets: who is let in, what every answer carries, and what it refuses."""

import asyncio
import http.client
import json
import socket
import time

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from federates.boundary.errors import PortageError
from federates.web.app import read_json, web_app
from federates.web.events import event_response
from federates.web.gate import WRONG_TOKEN, Viewers
from federates.web.server import Server, is_loopback


async def _who(request: Request) -> JSONResponse:
    return JSONResponse({"viewer": request.state.viewer, "path": request.url.path})


async def _echo(request: Request) -> JSONResponse:
    return JSONResponse(await read_json(request, most_bytes=100))


async def _not_possible(request: Request) -> JSONResponse:
    raise PortageError("the run is gone")


async def _broken(request: Request) -> JSONResponse:
    raise RuntimeError("private")


async def _events(request: Request):
    async def told():
        for n in range(int(request.query_params.get("after", -1)) + 1, 4):
            yield str(n), {"n": n}

    return event_response(told())


async def _forever(request: Request):
    async def told():
        while True:
            yield "0", {}
            await asyncio.sleep(0.01)

    return event_response(told())


_ROUTES = [
    Route("/", _who),
    Route("/echo", _echo, methods=["POST"]),
    Route("/gone", _not_possible),
    Route("/broken", _broken),
    Route("/events", _events),
    Route("/forever", _forever),
]


@pytest.fixture(scope="module")
def site():
    viewers = Viewers(["lecturer", "power_operator"])
    with Server(web_app(_ROUTES, viewers)) as server:
        yield server, viewers


def _ask(server, path, method="GET", body=None, headers=None):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


def _path(site, name="lecturer"):
    _server, viewers = site
    return viewers.link("", name)


def test_the_token_in_the_path_says_who_looks(site):
    server, _ = site
    for name in ("lecturer", "power_operator"):
        status, _, content = _ask(server, _path(site, name))
        assert (status, json.loads(content)["viewer"]) == (200, name)


@pytest.mark.parametrize("token", ["", "x", "%00", "..", "%2e%2e%2fetc", "\u00e9".encode().hex(), "A" * 5000])
def test_any_other_token_gets_a_sentence(site, token):
    status, _, content = _ask(site[0], f"/{token}/")
    assert (status, json.loads(content)["error"]) == (403, WRONG_TOKEN)
    status, headers, content = _ask(site[0], f"/{token}/", headers={"accept": "text/html"})
    assert status == 403
    assert WRONG_TOKEN in content
    assert headers["content-type"].startswith("text/html")


def test_a_link_without_its_last_slash_leads_to_the_page(site):
    path = _path(site)
    status, headers, _ = _ask(site[0], path.rstrip("/"))
    assert (status, headers["location"]) == (307, path)


def test_every_answer_carries_the_headers_for_safety(site):
    for path in (_path(site), "/wrong/", "/static/web/base.css", f"{_path(site)}broken", f"{_path(site)}none"):
        _, headers, _ = _ask(site[0], path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "....//app.py", "/etc/passwd", "%2fetc%2fpasswd"])
def test_no_path_leads_out_of_the_files_that_ship(site, path):
    status, _, content = _ask(site[0], f"/static/web/{path}")
    assert status in (403, 404)
    assert "import" not in content
    assert "root:" not in content


def test_errors_are_sentences_and_nothing_more(site, caplog):
    status, _, content = _ask(site[0], f"{_path(site)}gone")
    assert (status, json.loads(content)["error"]) == (409, "the run is gone.")
    status, _, content = _ask(site[0], f"{_path(site)}broken")
    assert status == 500
    assert "private" not in content
    deadline = time.monotonic() + 10.0  # the server writes it down after it has answered
    while "private" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "private" in caplog.text


@pytest.mark.parametrize(
    ("body", "status"), [(b"{}", 200), (b"[1]", 400), (b"{", 400), (b'{"a": NaN}', 400), (b"[" * 90, 400), (b" " * 101, 413)]
)
def test_nonsense_is_refused(site, body, status):
    assert _ask(site[0], f"{_path(site)}echo", "POST", body)[0] == status


def test_events_come_in_order_and_go_on_where_the_viewer_was(site):
    _, headers, content = _ask(site[0], f"{_path(site)}events")
    assert headers["content-type"].startswith("text/event-stream")
    assert [line for line in content.splitlines() if line.startswith("data")] == [f'data: {{"n":{n}}}' for n in range(4)]
    _, _, content = _ask(site[0], f"{_path(site)}events?after=2")
    assert [line for line in content.splitlines() if line.startswith("id")] == ["id: 3"]


def test_a_server_that_stops_ends_its_streams_and_frees_its_port(caplog):
    viewers = Viewers(["lecturer"])
    with Server(web_app(_ROUTES, viewers)) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.request("GET", f"{viewers.link('', 'lecturer')}forever")
        answer = connection.getresponse()
        while not answer.readline().startswith(b"data"):
            pass
    assert answer.read().endswith(b"\n"), "the stream has come to its end, in the middle of nothing"
    connection.close()
    assert caplog.text == ""
    again = socket.create_server((server.host, server.port))
    again.close()


def test_an_address_in_use_is_said():
    with Server(web_app(_ROUTES, Viewers([]))) as server, pytest.raises(PortageError, match="nothing can listen on"):
        Server(web_app(_ROUTES, Viewers([])), port=server.port)


def test_what_is_loopback():
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "192.168.1.5", "host")] == [True] * 3 + [
        False
    ] * 3
