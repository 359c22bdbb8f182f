"""One request that carries its number, so that the stub can say when each arrival truly came."""

from harness.engines.locust import Visitor


def one_request(visitor: Visitor) -> None:
    """Asks for `/one?n=<number of the arrival>`."""
    visitor.get(f"/one?n={visitor.number}", name="/one")
