"""A small shop that writes logs, and a demonstration that finds what goes wrong in it."""
