"""The model: log lines to event IDs, windows to scores, and the artefact that holds both. No Kafka, no Redis."""
