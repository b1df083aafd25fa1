"""Power operator that answers prices: it takes what is worth more to it than it costs."""
