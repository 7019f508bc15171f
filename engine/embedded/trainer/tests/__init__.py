"""Tests of the trainer; those that need PyTorch are skipped without it."""
