"""What the examinations know of one running target: who may do what, what is whose, and how to ask for it."""
