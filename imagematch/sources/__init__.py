"""Where sightings come from: each module turns one kind of source into `records.FoundFile`s."""
