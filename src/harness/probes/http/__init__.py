"""What is sent to a target, by whom, and what came back: requests, forms, pages, values."""
