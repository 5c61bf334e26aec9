"""Recovery objectives, templates, checklists, components, links, growth, configurations and the document's own facts."""

from __future__ import annotations

from textwrap import dedent

import pytest

from watchkeeper.book.read.architecture import read_components, read_dependencies, read_links
from watchkeeper.book.read.capacity import read_baselines, read_growth, read_metrics
from watchkeeper.book.read.checklists import read_checklists
from watchkeeper.book.read.configs import read_configs
from watchkeeper.book.read.document import read_document
from watchkeeper.book.read.naming import service_of
from watchkeeper.book.read.passages import Passages, read_passages
from watchkeeper.book.read.recovery import read_recovery
from watchkeeper.book.read.templates import read_templates
from watchkeeper.text.markdown import read_text


def passages(source: str) -> Passages:
    return read_passages(read_text(dedent(source).lstrip("\n")))


@pytest.mark.parametrize(
    "source",
    [
        "### Recovery Time Objectives (RTO)\n- **Shop**: 15 minutes\n"
        "### Recovery Point Objectives (RPO)\n- **Shop**: Real-time (replica)\n",
        "## Shop\n**RTO**: 15 minutes | **RPO**: zero\n",
        "| System | RTO | RPO |\n|---|---|---|\n| Shop | 15 min | 0 |\n",
        "## Shop\n- **RTO (Recovery Time Objective):** <15 minutes\n- **RPO (Recovery Point Objective):** none\n",
        "## Shop\n| Objective | Target |\n|---|---|\n| RTO | 15 minutes |\n| RPO | 0 |\n",
    ],
)
def test_recovery_objectives(source: str) -> None:
    assert [(r.kind, r.subject, r.seconds) for r in read_recovery(passages(source))] == [("rto", "Shop", 900), ("rpo", "Shop", 0)]


def test_upper_bound_of_a_range_counts_and_results_are_no_promises() -> None:
    found = read_recovery(passages("**RTO**: 3-5 minutes\n\n**RTO achieved**: 12 minutes\n"))
    assert [r.seconds for r in found] == [300]


def test_templates_by_word_by_fields_and_as_payload() -> None:
    source = """
        ### Communication templates
        **Initial alert**:
        ```
        INCIDENT: [what]
        Impact: [who]
        ```
        ### Tell people
        ```
        Status: investigating
        Impact: some orders
        ETA: [time]
        ```
        ```bash
        # Slack notification template
        curl -d '{"text": "incident"}' $WEBHOOK
        ```
        > not one
    """
    found = read_templates(passages(source))
    assert [(t.line, t.name) for t in found] == [(4, "Initial alert"), (9, "Tell people"), (14, "Slack notification template")]
    assert found[0].placeholders == ("[what]", "[who]")
    assert found[2].channel == "slack"


def test_checklists_count_their_boxes_only() -> None:
    source = "## Before\n- [ ] a\n- [x] b\n- plain\n\n1. **After**:\n   - [ ] c\n   - [ ] d\n"
    assert [(c.line, c.title, c.items) for c in read_checklists(passages(source))] == [
        (2, "Before", ("a", "b")),
        (7, "After", ("c", "d")),
    ]


def test_architecture() -> None:
    source = """
        ## Architecture components
        - **Database**: PostgreSQL 15
        ### Service dependencies
        ```
        nginx → shop → PostgreSQL
                  ↓
                Redis
        ```
        ```mermaid
        graph TD
          A[Shop] --> B[(Search)]
        ```
        | Service | Port | Dependencies |
        |---|---|---|
        | Worker | 9 | Redis, Queue |
    """
    found = passages(source)
    assert [(c.name, c.technology) for c in read_components(found)] == [("Database", "PostgreSQL 15"), ("Worker", None)]
    assert [(d.source, d.needs) for d in read_dependencies(found)] == [
        ("nginx", "shop"),
        ("shop", "PostgreSQL"),
        ("shop", "Redis"),
        ("Shop", "Search"),
        ("Worker", "Redis"),
        ("Worker", "Queue"),
    ]


def test_links() -> None:
    found = read_links(passages("- **Dashboard**: https://dash.shop.example\n- [Guide](guide.md), [above](#x)\n"))
    assert [(link.name, link.url) for link in found] == [("Dashboard", "https://dash.shop.example"), ("Guide", "guide.md")]


def test_growth_baselines_and_metrics() -> None:
    found = passages(
        """
        ### Growth projections
        ```
        Expected growth (next 6 months):
        - Users: 50% increase
        ```
        ### Current usage baselines
        - Storage: 500GB
        ### Key metrics
        - Error rate
        - Orders per hour
        """
    )
    assert [(g.subject, g.percent, g.within_s) for g in read_growth(found)] == [("Users", 50, 15552000)]
    assert [(b.subject, b.value, b.unit) for b in read_baselines(found)] == [("Storage", 5e11, "bytes")]
    named = [("Error rate", "error_rate"), ("Orders per hour", "order_rate")]
    assert [(m.subject, m.metric) for m in read_metrics(found, ())] == named


@pytest.mark.parametrize(
    ("fence", "kind", "key", "value"),
    [
        (
            "```yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\nspec:\n  replicas: 3\n```\n",
            "kubernetes",
            "replicas",
            3,
        ),
        ("```python\nengine = create_engine(URL, pool_size=20)\n```\n", "sqlalchemy", "pool_size", 20),
        ("```python\nDATABASES = {'default': {'CONN_MAX_AGE': 60}}\n```\n", "django", "CONN_MAX_AGE", 60),
        ("```nginx\nserver {\n  client_max_body_size 8m;\n}\n```\n", "nginx", "client_max_body_size", "8m"),
        ("```\n/var/log/shop/*.log {\n  daily\n  rotate 7\n}\n```\n", "logrotate", "rotate", 7),
    ],
)
def test_configurations(fence: str, kind: str, key: str, value: object) -> None:
    (found,) = read_configs(passages(fence))
    assert found.kind == kind
    assert next(v for k, v in found.values.items() if k.endswith(key)) == value


def test_document_facts_from_labels_and_front_matter() -> None:
    labels = read_document(
        passages("# Shop\n\n**Version**: 1.2  \n**Last Updated**: 2026-01-02  \n**Owner**: Anna  \n**Review Cycle**: Quarterly\n")
    )
    assert labels is not None
    assert (labels.version, labels.updated, labels.owner, labels.review_every) == ("1.2", "2026-01-02", "Anna", "Quarterly")
    front = read_document(passages("---\nowner: ben\n---\n# Shop\n"))
    assert front is not None
    assert (front.line, front.owner) == (2, "ben")


@pytest.mark.parametrize(
    ("source", "service"),
    [
        ("# Shop Operations Runbook\n", "Shop"),
        ("# Operations Runbook\n\nThis is for Shop Mobile application.\n", "Shop Mobile"),
        ("# Runbook\n", None),
        ("---\nservice: shop\n---\n# x\n", "shop"),
    ],
)
def test_service_name(source: str, service: str | None) -> None:
    assert service_of(passages(source)) == service
