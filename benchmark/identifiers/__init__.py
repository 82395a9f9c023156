"""How well contacts are found in texts that people wrote."""
