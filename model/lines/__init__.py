"""From the bytes of a record to log lines: formats, keys, times and event IDs."""
