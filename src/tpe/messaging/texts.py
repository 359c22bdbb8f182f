"""Sending text messages to phones: an interface, and what implements it."""

from __future__ import annotations

import sys
from typing import Literal, Protocol

from tpe.infra.problems import UnavailableError

Sender = Literal["console", "off"]
"""The value of the setting TEXT_MESSAGES."""


class TextMessages(Protocol):
    """Sends a text message. UnavailableError when it cannot be sent."""

    async def send(self, phone: str, text: str) -> None:
        """Send ``text`` to ``phone``; returns once the message was taken over."""


class ConsoleTextMessages:
    """Prints each message, codes included, on standard error: for development only, the settings refuse it in production."""

    async def send(self, phone: str, text: str) -> None:
        """Print the message on a line of its own."""
        sys.stderr.write(f"text message to {phone}: {text}\n")
        sys.stderr.flush()


class NoTextMessages:
    """Stands where no sender is configured: whatever needs a message is refused with 503."""

    async def send(self, phone: str, text: str) -> None:
        """Refuse."""
        del phone, text
        raise UnavailableError("Text messages cannot be sent at the moment. Please try again later.")


def text_messages(sender: Sender) -> TextMessages:
    """Give the sender that the settings name."""
    return ConsoleTextMessages() if sender == "console" else NoTextMessages()
