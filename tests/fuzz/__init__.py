"""Fuzzing: every decoder of ``model/lines`` on arbitrary bytes, and on valid ones that were changed."""
