"""The chaos test: servers and processes die at random moments, and the windows are those of an undisturbed sort."""
