"""The model worker: ready windows to alerts."""
