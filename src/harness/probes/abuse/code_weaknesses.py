"""What can be wrong with one-time codes."""

from __future__ import annotations

from harness.model.finding import Severity
from harness.model.weakness import Weakness

_OWASP = "API2:2023"
RETURNED = Weakness(
    "codes.returned",
    Severity.HIGH,
    201,
    _OWASP,
    "A one-time code reaches its owner by mail or telephone, and nobody else.",
    "Whoever starts the flow has the code without having the mailbox or telephone: it proves nothing.",
    "Leave the code out of the answer; where tests need it, let them read it where it is sent.",
)
UNCHECKED = Weakness(
    "codes.not-checked",
    Severity.CRITICAL,
    287,
    _OWASP,
    "Only the code that was sent is accepted.",
    "Anybody passes for the owner of any mailbox or telephone.",
    "Compare the whole code with the one that was sent, in constant time, and refuse everything else.",
)
FORESEEN = Weakness(
    "codes.foreseeable",
    Severity.HIGH,
    330,
    _OWASP,
    "Each code is drawn at random.",
    "Whoever has seen one code knows the next.",
    "Draw codes from the system's random source (secrets, SecureRandom), never from a counter, a clock or a constant.",
)
REUSED = Weakness(
    "codes.reusable",
    Severity.MEDIUM,
    294,
    _OWASP,
    "A code is good once.",
    "Whoever finds a used code, in a mail or a log, passes for its owner.",
    "Delete the code in the statement that accepts it.",
)
NEVER_ENDS = Weakness(
    "codes.never-ends",
    Severity.MEDIUM,
    613,
    _OWASP,
    "A code is good for some minutes, a reset link for some hours.",
    "Whoever finds an old code, in a mail or a backup, passes for its owner.",
    "Store until when a code is good, and ask for it in the statement that accepts it (… and expires_at > now()).",
)
UNBOUND = Weakness(
    "codes.not-bound",
    Severity.CRITICAL,
    639,
    _OWASP,
    "A code is good for the account that it was sent for.",
    "With a code for one's own account one takes over any other.",
    "Look the code up together with the account or challenge that it was made for.",
)
GUESSED = Weakness(
    "codes.not-limited",
    Severity.HIGH,
    307,
    _OWASP,
    "After a few wrong codes the code is void, or the caller is refused.",
    "A code of six digits is guessed within minutes.",
    "Count wrong codes with the code itself, and void it after about five; limit clients besides.",
)
