# it asks for a column that the database does not have
s/price_cents, stock/&, rating/
