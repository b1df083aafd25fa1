"""A recorder for tests of a single model."""


class Tables:
    """Keeps what is recorded."""

    def __init__(self):
        self.rows = {}

    def record(self, table, **row):
        self.rows.setdefault(table, []).append(row)

    def progress(self, **fields):
        self.last = fields
