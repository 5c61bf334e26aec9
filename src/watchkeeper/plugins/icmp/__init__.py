"""Hosts as signals of the network: do they answer a ping."""
