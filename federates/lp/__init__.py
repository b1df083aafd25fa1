"""Linear and integer programmes: models built by blocks of columns and rows, solved by HiGHS, with bounds that are proven."""
