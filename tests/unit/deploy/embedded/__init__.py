"""Tests of the embedded stack that start nothing."""
