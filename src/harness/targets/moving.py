"""Goes on from another address of this machine when a target has had enough of the one before.

Many platforms limit how often one address may ask, and their harness is one address. On the loopback every address is ours,
so that it is as many clients as it takes, and no limit is relaxed while the platform is judged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx

from harness.probes.http.addresses import fresh_address, is_every_address_ours

TOO_MANY_REQUESTS = 429
USELESS_MOVES_MAX = 3
"""So many refusals of new addresses in a row, and it is not the address that is limited: then we stay where we are."""

MakeTransport = Callable[[str], httpx.BaseTransport]
"""Makes a transport whose connections come from this address; from "", the one that the system chooses."""


class MovingTransport(httpx.BaseTransport):
    """Sends a request that was refused with 429 once more, from a new address; later ones go from there as well.

    Safe to use from several threads.
    """

    def __init__(self, make: MakeTransport) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._former: list[httpx.BaseTransport] = []  # other threads may still be reading their answers
        self._present = make("")
        self._useless = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; where no new address can be had, the 429 stands.

        Raises:
            httpx.TransportError: as the transports; of the second sending where there was one.
        """
        sender = self._present
        answer = sender.handle_request(request)
        if answer.status_code != TOO_MANY_REQUESTS:
            self._useless = 0
            return answer
        if self._useless >= USELESS_MOVES_MAX or not _can_move(request):
            return answer
        elsewhere = self._make(fresh_address())
        try:
            another = elsewhere.handle_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):  # no connection can be made from there: the 429 stands
            elsewhere.close()
            self._useless = USELESS_MOVES_MAX
            return answer
        except httpx.TransportError:  # what the request came to where it was let in
            elsewhere.close()
            answer.close()
            raise
        self._useless = self._useless + 1 if another.status_code == TOO_MANY_REQUESTS else 0
        answer.close()
        self._move(elsewhere)
        return another

    def _move(self, elsewhere: httpx.BaseTransport) -> None:
        with self._lock:
            self._former.append(self._present)
            self._present = elsewhere

    def close(self) -> None:
        """Closes its connections."""
        for transport in (*self._former, self._present):
            transport.close()


def _can_move(request: httpx.Request) -> bool:
    return is_every_address_ours(request.url.host) and isinstance(request.stream, httpx.ByteStream)
