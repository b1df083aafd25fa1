"""A proxy on loopback that keeps every byte that a server sends: what a browser behind it has been told, streams included."""

import socket
import threading


class RecordingProxy:
    """Passes connections on to ``port``; ``told`` is all that came back, in the order in which it came."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._parts: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def told(self) -> bytes:
        return b"".join(self._parts)

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listening.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                browser.close()  # the server is gone
                continue
            threading.Thread(target=self._pass, args=(browser, server, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, browser, self._parts), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket, kept: list[bytes] | None) -> None:
        try:
            while part := source.recv(65_536):
                if kept is not None:
                    kept.append(part)
                sink.sendall(part)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()
