"""A power company that knows of its stations what they tell it."""
