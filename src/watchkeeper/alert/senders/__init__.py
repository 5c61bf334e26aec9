"""Who sends alerts: a module a sender, each a pure function from its delivery to what that says of which alerts."""
