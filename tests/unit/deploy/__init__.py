"""Tests of the deploy package that need no server."""
