"""What no answer, log or page may show, and what must hold whatever comes in."""
