"""The figures of a business that runbooks ask for, each as a query of which only the owner knows the tables.

A canonical metric of the book leads to the name of a query and to the line that `init` writes for it. The query asks for nothing
yet, so that what it decides is blind and never well until somebody has written it; what it may look like stands beside it.
"""

from __future__ import annotations

_LATELY = "where created_at > now() - interval '1 hour'"


def _example(name: str, figure: str, rows: str) -> tuple[str, str]:
    such_as = " ".join(("select", figure, "from", rows))
    return name, f'queries.{name} = "select null"    # missing: your query, such as {such_as}'


def _share(part: str) -> str:
    return f"100.0 * count(*) filter (where {part}) / nullif(count(*), 0)"


#: as `examples` of a kind of signal
EXAMPLES = {
    "order_rate": _example("orders_per_hour", "count(*)", f"orders {_LATELY}"),
    "revenue": _example("revenue_per_hour", "coalesce(sum(total), 0)", f"orders {_LATELY}"),
    "conversion_rate": _example("conversion_percent", _share("ordered"), f"visits {_LATELY}"),
    "payment_failures": _example("payment_failures_per_hour", "count(*)", f"payments {_LATELY} and status = 'failed'"),
    "payment_success_rate": _example("payment_success_percent", _share("status = 'captured'"), f"payments {_LATELY}"),
    "queue_length:payment": _example(
        "pending_payments", "count(*)", "payments where status = 'pending' and created_at < now() - interval '10 minutes'"
    ),
    "active_users": _example("active_users", "count(distinct user_id)", "sessions where seen_at > now() - interval '5 minutes'"),
    "churn": _example("churn_percent", _share("cancelled_at > now() - interval '30 days'"), "subscriptions"),
    "engagement": _example("engagement_percent", _share("seen_at > now() - interval '1 day'"), "users"),
    "usage:reward": _example("rewards_usage_percent", _share("redeemed"), "rewards"),
    ":hour": _example("{name}", "count(*)", f"… {_LATELY}"),
}
