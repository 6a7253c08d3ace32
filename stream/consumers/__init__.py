"""Kafka in and out: records to windows, unkeyed topics to keyed ones."""
