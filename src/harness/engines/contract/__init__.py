"""The contract stage: every operation of a target against its committed document, driven by Schemathesis.

`campaign` runs the phases, each role in a process of its own (`worker`); `oracle` judges one exchange a second time, by the
document alone; `reducing` replays what failed on fresh data and makes it small; `wording` says it to whoever must mend it;
`drift` and `breaking` compare documents.
"""
