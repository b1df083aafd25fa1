"""Pages in a browser: a server on loopback, links with a token each, pages, and events that the server sends (extra ``web``)."""
