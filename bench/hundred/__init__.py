"""A platform of a hundred operations, made by rule: twenty kinds of things that users own, with five operations each."""
