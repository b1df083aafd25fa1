"""The worlds that agents can meet in: what each adds to packages that know none of them."""
