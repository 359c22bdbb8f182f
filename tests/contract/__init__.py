"""Tests of the contract stage, on a small platform of our own with planted defects."""
