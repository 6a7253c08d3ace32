"""What a newcomer's logs are: format, events, candidates for the key, and the settings to begin with."""
