# it wants a variable more
s/"WEBHOOK_SECRET"\]/"WEBHOOK_SECRET", "PRICE_FEED_KEY"]/
