"""Studies: the rows of a table, trained over splits and seeds, with what they cost and how they differ."""
