"""What ZAP says, read without believing it: alerts become findings, and a scan is whole only where its own counters show it."""
