"""Who may read and write what: the limits that an agent's process puts on itself, and the record of what it has opened."""
