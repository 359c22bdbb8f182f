"""Plants faults in a copy of the reference platform, runs the stages that matter, and compares."""
