"""From what profiles show to who runs them: arrays in, groups and their evidence in bits out."""
