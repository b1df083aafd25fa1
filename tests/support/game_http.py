"""Viewers of a game over HTTP, without a browser: what a page asks, and the events that it follows."""

import http.client
import json
import threading
import time

from federates.play.app import JOIN


class Viewer:
    """One viewer's requests, by the path of its link."""

    def __init__(self, play, path):
        self.play, self.path = play, path

    def ask(self, method, page="", body=None, raw=None):
        host, port = self.play.address.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.request(method, self.path + page, raw if raw is not None else None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else text

    def post(self, page, body=None, raw=None):
        return self.ask("POST", page, body, raw)

    def do(self, what, **more):
        status, told = self.post("do", {"do": what, **more})
        assert status == 200, told

    def events(self):
        """Follow the events until the connection is closed by `close`; keep the newest view."""
        host, port = self.play.address.removeprefix("http://").split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.connection.request("GET", self.path + "events")
        stream, self.view = self.connection.getresponse(), None

        def read():
            try:
                while line := stream.readline():
                    if line.startswith(b"data: "):
                        self.view = json.loads(line[6:])
            except (OSError, ValueError, AttributeError):
                pass

        threading.Thread(target=read, daemon=True).start()
        return self

    def until(self, done, limit_s=90.0):
        deadline_s = time.monotonic() + limit_s
        while self.view is None or not done(self.view):
            assert time.monotonic() < deadline_s, self.view
            time.sleep(0.05)
        return self.view

    def question(self, after=0):
        return self.until(lambda view: view.get("question") and view["question"]["n"] > after)["question"]


def join(play, name, agent, group=1):
    """Return a student who has taken a seat, or status and sentence of the refusal."""
    status, told = Viewer(play, play.viewers.link("", JOIN)).post("join", {"name": name, "group": group, "agent": agent})
    return Viewer(play, told["path"]) if status == 200 else (status, told["error"])
