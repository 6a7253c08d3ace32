"""Tests of the shop and of what the demo prints."""
