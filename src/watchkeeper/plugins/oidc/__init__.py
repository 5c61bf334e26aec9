"""Signing in by a provider that speaks OpenID Connect."""
