"""The shop itself: catalogue, carts, orders and payments over HTTP, with mail and reconciliation in the background.

A release of the shop is a copy of this package under the name `storefront`; it takes everything it needs from the
environment and imports nothing of Watchkeeper.
"""
