import pytest

from modegate.entrypoints.http.middleware.crowding import ConnectionLimit


@pytest.mark.parametrize(
    ("descriptors", "served", "most"),
    [(10, 4, 5), (40, 4, 5), (64, 16, 18), (1024, 496, 558), (1024 * 1024, 524_272, 589_806)],
)
def test_served_connections_use_at_most_half_of_the_descriptors(
    descriptors: int, served: int, most: int
) -> None:
    limit = ConnectionLimit.of(descriptors)
    assert (limit.served, limit.most) == (served, most)
