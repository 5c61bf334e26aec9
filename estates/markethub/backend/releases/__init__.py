"""One module a release: how a product is shown, what an order costs."""
