"""What was seen before: kept in coarser and coarser sums, for charts, and what it will come to."""
