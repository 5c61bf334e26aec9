"""Where acts run: bound components and hosts, lines after `ssh HOST`, and what the runbook's words mean there."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_cast import command, plan_of, step

from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.run.model import Act
from watchkeeper.run.placing import place
from watchkeeper.run.plan import plan, plan_from_json, plan_to_json
from watchkeeper.testing import book_from

HERE = Path("/srv/shop")


def estate(*others: TargetConfig, **first: object) -> Estate:
    local = TargetConfig("local", "shell", 1, HERE, **first)  # type: ignore[arg-type]
    return Estate(HERE / "watchkeeper.toml", "shop", HERE / "runbook.md", targets={t.name: t for t in (local, *others)})


def web(**values: object) -> TargetConfig:
    return TargetConfig("web", "ssh", 2, Path("."), **values)  # type: ignore[arg-type]


def acts_of(fence: str, at: Estate) -> tuple[Act, ...]:
    book = book_from(f"# Shop\n## Procedures\n### Web is down\n**Resolution**:\n```bash\n{fence}\n```\n")
    return place(plan(book, book.procedures[0]), at).acts


def test_a_command_runs_on_the_target_that_stands_for_its_component() -> None:
    at = estate(web(stands_for=("Order Service",)))
    made = plan_of(step(1, command("systemctl restart order-service", "change", target="order-service"), command("uptime")))
    assert [act.target for act in place(made, at).acts] == ["web", None]


def test_programs_that_handle_containers_stay_outside_them() -> None:
    inside = TargetConfig("inside", "docker", 3, Path("/"), stands_for=("web",))
    made = plan_of(
        step(
            1,
            command("docker restart web", "change", target="web", tools=("docker",)),
            command("supervisorctl restart web", "change", target="web", tools=("supervisorctl",)),
        )
    )
    assert [act.target for act in place(made, estate(inside)).acts] == [None, "inside"]


@pytest.mark.parametrize("bound", [{"stands_for": ("server-ip",)}, {"options": {"host": "server-ip"}}])
def test_lines_after_ssh_run_on_the_target_of_that_host(bound: dict[str, object]) -> None:
    acts = acts_of("ssh deploy@server-ip\nsudo systemctl restart shop\nexit\nuptime", estate(web(**bound)))
    assert [(act.kind, act.target) for act in acts] == [
        ("command", None),
        ("command", "web"),
        ("command", None),
        ("command", None),
    ]
    assert acts[0].skip == "What follows it runs on the target web, which stands for server-ip."
    assert acts[2].skip is not None


def test_comments_and_blank_lines_do_not_leave_the_host() -> None:
    fence = "ssh deploy@server-ip\n\n# Restart it\n\nsudo systemctl restart shop"
    acts = acts_of(fence, estate(web(stands_for=("server-ip",))))
    assert [act.target for act in acts if act.skip is None] == ["web"]


def test_lines_after_ssh_to_a_host_without_a_target_never_run_here() -> None:
    acts = acts_of("ssh deploy@server-ip\nsudo systemctl restart shop\nsudo reboot", estate())
    assert {act.kind for act in acts} == {"manual"}
    assert "meant for server-ip, for which no target stands" in acts[1].text


def test_lines_after_a_shell_in_a_container_are_meant_for_it() -> None:
    inside = TargetConfig("inside", "docker", 3, Path("/"), options={"container": "web"})
    acts = acts_of("docker exec -it web bash\ncat /etc/hostname", estate(inside))
    assert [(act.skip is not None, act.target) for act in acts] == [(True, None), (False, "inside")]


def test_the_plan_says_what_the_runbooks_words_mean() -> None:
    at = estate(words={"kubectl": "kubectl --context prod -n shop"})
    acts = acts_of("kubectl get pods\ndocker-compose ps\nkubectl-neat x\n/opt/kubectl get", at)
    assert [act.words for act in acts] == [
        ("`kubectl` means `kubectl --context prod -n shop` on local.",),
        ("`docker compose` and `docker-compose` mean whichever local has.",),
        (),
        (),
    ]


def test_a_placed_plan_survives_the_trip_to_json() -> None:
    made = place(plan_of(step(1, command("docker-compose ps", target="web"))), estate(web(stands_for=("web",))))
    assert plan_from_json(plan_to_json(made)) == made
