"""An executable in any language as an agent: a wrapper that finds the run, starts it, and says how it ended."""
