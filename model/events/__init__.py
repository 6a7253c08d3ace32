"""From a log message to its event ID: shapes, masks, templates and how they are mined."""
