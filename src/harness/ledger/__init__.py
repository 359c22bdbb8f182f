"""The ledger: its rows and their parts, the checks that name them, and the state that a run leaves each in."""
