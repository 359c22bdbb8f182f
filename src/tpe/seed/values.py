"""Pools of invented values, drawn from Faker once and then sampled: a thousand times faster than asking it per row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

from faker import Faker

TRADES: Final = (
    "Roofing", "Remodeling", "Plumbing", "Electric", "Windows", "Siding", "Kitchens", "Baths", "Flooring", "Painting",
    "Landscaping", "Solar", "Decks", "Insulation", "Heating & Air", "Foundations",
)  # fmt: skip
VENDOR_KINDS: Final = ("Supply", "Finance", "Software", "Marketing", "Insurance", "Tools", "Training", "Logistics")
REASONS: Final = (
    "Works in your service area", "Revenue fits your programme", "Asked for help with lead generation",
    "Team size fits", "Uses a compatible CRM", "Growing faster than its peers", "Wants financing options",
    "Highly rated by homeowners", "Ready to start this quarter",
)  # fmt: skip
NOTE_OPENINGS: Final = ("Called", "Left a message", "Met on site", "Sent the proposal", "Followed up by e-mail")
POOL_SIZE: Final = 400


@dataclass(frozen=True, slots=True)
class Pools:
    """Texts to sample from; none holds a tab, a line break or a backslash."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    """City and state."""
    reason_arrays: tuple[str, ...]
    """PostgreSQL array texts of two or three reasons."""
    notes: tuple[str, ...]


def draw_pools(seed: int) -> Pools:
    """Draw the pools that belong to ``seed``."""
    fake = Faker("en_US", use_weighting=False)
    fake.seed_instance(seed)
    arrays = [",".join(f'"{reason}"' for reason in chosen) for count in (2, 3) for chosen in combinations(REASONS, count)]
    return Pools(
        first_names=tuple(_plain(fake.first_name()) for _ in range(POOL_SIZE)),
        last_names=tuple(_plain(fake.last_name()) for _ in range(POOL_SIZE)),
        places=tuple((_plain(fake.city()), fake.state_abbr(include_territories=False)) for _ in range(POOL_SIZE)),
        reason_arrays=tuple(f"{{{array}}}" for array in arrays),
        notes=tuple(f"{NOTE_OPENINGS[k % len(NOTE_OPENINGS)]}: {_plain(fake.sentence())}" for k in range(POOL_SIZE)),
    )


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", " ").split())
