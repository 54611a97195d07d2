"""The usage of requests: prices, rows, queries and sums."""
