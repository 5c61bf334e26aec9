"""The sample estate: a small real shop that breaks on cue, so that Watchkeeper can be seen at work on real servers."""
