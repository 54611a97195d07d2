"""The usage of requests: parsing what answers report, and its wire forms."""
