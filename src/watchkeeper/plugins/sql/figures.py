"""The figures of a business that runbooks ask for, each as a query of which only the owner knows the tables.

A canonical metric of the book leads to the name of a query and to the line that `init` writes for it. The query asks for nothing
yet, so that what it decides is blind and never well until somebody has written it; what it may look like stands beside it.
"""

from __future__ import annotations

_LATELY = "created_at > now() - interval '1 hour'"


def _example(name: str, such_as: str) -> tuple[str, str]:
    return name, f'queries.{name} = "select null"    # missing: your query, such as {such_as}'


#: as `examples` of a kind of signal
EXAMPLES = {
    "order_rate": _example("orders_per_hour", f"select count(*) from orders where {_LATELY}"),
    "revenue": _example("revenue_per_hour", f"select coalesce(sum(total), 0) from orders where {_LATELY}"),
    "conversion_rate": _example(
        "conversion_percent", f"select 100.0 * count(order_id) / nullif(count(*), 0) from visits where {_LATELY}"
    ),
    "payment_failures": _example(
        "payment_failures_per_hour", f"select count(*) from payments where status = 'failed' and {_LATELY}"
    ),
    "payment_success_rate": _example(
        "payment_success_percent",
        f"select 100.0 * count(*) filter (where status = 'captured') / nullif(count(*), 0) from payments where {_LATELY}",
    ),
    "queue_length:payment": _example(
        "pending_payments",
        "select count(*) from payments where status = 'pending' and created_at < now() - interval '10 minutes'",
    ),
    "active_users": _example(
        "active_users", "select count(distinct user_id) from sessions where seen_at > now() - interval '5 minutes'"
    ),
    "churn": _example(
        "churn_percent",
        "select 100.0 * count(*) filter (where cancelled_at > now() - interval '30 days') / nullif(count(*), 0) "
        "from subscriptions",
    ),
    "engagement": _example(
        "engagement_percent",
        "select 100.0 * count(*) filter (where seen_at > now() - interval '1 day') / nullif(count(*), 0) from users",
    ),
    "usage:reward": _example(
        "rewards_usage_percent", "select 100.0 * count(*) filter (where redeemed) / nullif(count(*), 0) from rewards"
    ),
    ":hour": _example("{name}", f"select count(*) from … where {_LATELY}"),
}
