"""A branch holds for what stands under it, and nothing under it is carried out without it."""

from watchkeeper.book.model import Step
from watchkeeper.book.read.procedures import read_procedures
from watchkeeper.text.markdown import read_text


def steps(source: str) -> tuple[Step, ...]:
    (only,) = read_procedures(read_text(source))[0]
    return only.steps


def whens(source: str) -> list[tuple[str, str | None]]:
    return [(step.commands[0].text if step.commands else step.text, step.when) for step in steps(source)]


FENCE = "```bash\n{}\n```\n\n"


def test_a_branch_with_its_own_sentence_goes_on_in_the_fence_below() -> None:
    source = (
        "## Shop slow\n\n**If the cache is full:** make room.\n\n"
        + FENCE.format("systemctl restart cache")
        + "Or give it more memory. It takes a minute.\n\n"
        + FENCE.format("systemctl restart shop")
        + "**If the disk is full:** delete old logs. Caution: they are gone.\n\n"
        + FENCE.format("rm /var/log/shop.1")
        + "Then look again:\n\n"
        + FENCE.format("df -h")
    )
    found = whens(source)
    assert ("systemctl restart cache", "the cache is full") in found
    assert ("systemctl restart shop", "the cache is full") in found
    assert ("rm /var/log/shop.1", "the disk is full") in found
    assert ("df -h", None) in found
    assert [step.caution is not None for step in steps(source) if step.when == "the disk is full"] == [True]


def test_a_plain_sentence_ends_a_branch_that_had_its_own() -> None:
    found = whens("## Shop slow\n\n**Resolution:**\n\n**If it is the cache:** restart it.\n\nCheck the dashboard for errors.\n")
    assert found == [("restart it.", "it is the cache"), ("Check the dashboard for errors.", None)]


def test_a_branch_within_an_item_holds_beside_the_item() -> None:
    source = (
        "## All down\n\n1. **If the host answers:** look at it.\n   ```bash\n   uptime\n   ```\n"
        "   **If the daemon is dead:** caution, this stops everything.\n   ```bash\n   systemctl restart docker\n   ```\n"
        "   Then bring it up:\n   ```bash\n   docker compose up -d\n   ```\n"
        "2. **If it does not answer:**\n   - Call the provider\n"
    )
    assert whens(source) == [
        ("uptime", "the host answers"),
        ("systemctl restart docker", "the host answers, and the daemon is dead"),
        ("docker compose up -d", "the host answers"),
        ("If it does not answer: Call the provider", "it does not answer"),
    ]
    assert [step.condition for step in steps(source)[:3]] == [None] * 3


def test_a_condition_goes_on_after_but() -> None:
    found = whens(
        "## Down\n\n1. If all pods run, but nothing answers: restart the gateway.\n   ```bash\n   systemctl restart gw\n   ```\n"
    )
    assert found == [("systemctl restart gw", "all pods run, but nothing answers")]


def test_a_warning_after_a_condition_is_a_caution() -> None:
    (step,) = steps(
        "## Failover\n\n**Failover**: if the source is lost. Caution: it must stay off.\n\n"
        "1. Stop it:\n\n   ```bash\n   systemctl stop db\n   ```\n"
    )
    assert (step.when, step.caution) == ("the source is lost", "Caution: it must stay off.")


def test_a_heading_with_a_condition_holds_for_all_its_labels() -> None:
    source = (
        "## Slow\n\n### If the cache is lost\n\n**Resolution:**\n"
        + FENCE.format("systemctl restart cache")
        + "### Verify\n"
        + FENCE.format("uptime")
    )
    assert whens(source) == [("systemctl restart cache", "the cache is lost"), ("uptime", None)]


def test_a_comment_that_only_says_when_is_a_condition() -> None:
    found = whens(
        "## Deploy\n\n```bash\n# Roll out\nkubectl apply -f a.yaml\n# If it fails:\nkubectl rollout undo deploy/shop\n```\n"
    )
    assert found == [("kubectl apply -f a.yaml", None), ("kubectl rollout undo deploy/shop", "it fails")]


def test_headings_of_troubles_under_a_resolution_are_branches() -> None:
    source = "## Shop down\n\n### Resolution\n\n#### Pods crash\n" + FENCE.format("kubectl rollout undo deploy/shop")
    source += "#### Node lost\n" + FENCE.format("kubectl drain node-1")
    assert whens(source) == [("kubectl rollout undo deploy/shop", "Pods crash"), ("kubectl drain node-1", "Node lost")]


def test_the_sentence_after_a_command_is_no_condition_of_it() -> None:
    source = "## Queue full\n\n### Diagnosis\n\nLook at them with `kubectl get pods`. If there are none, the workers are down.\n"
    assert [when for _, when in whens(source)] == [None]


def test_conditions_are_cut_off_in_other_languages() -> None:
    source = "## Lento\n\n**Solución**\n\nSi la CPU supera el 90%, escalar:\n\n" + FENCE.format(
        "docker compose up -d --scale api=4"
    )
    assert whens(source) == [("docker compose up -d --scale api=4", "la CPU supera el 90%")]
    assert steps("## 障害\n\n1. `df -h` を実行する\n2. 復旧しない場合は、リーダーに連絡する\n")[1].when == "復旧しない"


def test_a_command_in_a_sentence_keeps_its_own_expectation() -> None:
    (step,) = steps("## Check\n\n`curl -fsS http://localhost/health` should return 200.\n")
    assert [one.expects.value for one in step.commands if one.expects] == ["200"]


def test_each_case_of_a_paragraph_has_its_own_condition() -> None:
    source = (
        "## Lag\n\nLook with `df -h`. If `uptime -p` prints nothing, drain it:\n\n"
        + FENCE.format("kubectl drain node-1")
        + "If the lag is over 30 seconds but falling, wait 10 minutes. Otherwise fail over with `patronictl failover`.\n"
    )
    assert whens(source) == [
        ("df -h", None),
        ("kubectl drain node-1", "uptime -p prints nothing"),
        ("wait 10 minutes.", "the lag is over 30 seconds but falling"),
        ("patronictl failover", "otherwise"),
    ]
    assert [step.condition is not None for step in steps(source)] == [False, True, False, False]


def test_a_heading_that_only_groups_tasks_keeps_them_apart() -> None:
    source = "## Operations\n\n### Recovery\n\n#### Restore the database\n" + FENCE.format("pg_restore -d shop a.dump")
    source += "#### Rebuild the index\n" + FENCE.format("./reindex.sh")
    assert [one.title for one in read_procedures(read_text(source))[0]] == ["Restore the database", "Rebuild the index"]


def test_a_last_item_that_says_only_when_holds_for_the_unindented_fence_below_it() -> None:
    source = (
        "## Shop slow\n\n1. If the pods are down:\n"
        + FENCE.format("kubectl scale deploy/shop --replicas=5")
        + "2. If trouble stays:\n"
        + FENCE.format("systemctl restart shop")
        + "Look again:\n\n"
        + FENCE.format("df -h")
    )
    assert whens(source) == [
        ("kubectl scale deploy/shop --replicas=5", "the pods are down"),
        ("systemctl restart shop", "trouble stays"),
        ("df -h", None),
    ]


def test_a_branch_whose_check_is_a_long_command_is_still_a_branch() -> None:
    check = 'psql -h db -U shop -d shop -Atc "select count(*) from pg_stat_activity where ' + " and ".join(
        f"application_name <> 'job-{number}'" for number in range(9)
    )
    source = f'## Sessions\n\n**Resolution**:\n\n**If `{check}"` prints more than 0:**\n\n' + FENCE.format("psql -c 'select 1'")
    (step,) = steps(source)
    assert step.condition is not None
    assert step.condition.command is not None
    assert (step.condition.test and step.condition.test.kind, len(step.condition.command.text) > 300) == ("above", True)


def test_other_answers_to_one_question_stand_beside_each_other() -> None:
    def conditions(second: str) -> list[str | None]:
        first = "1. **If `top -bn1` shows web:** busy.\n\n   ```bash\n   docker compose up -d --scale web=2 web\n   ```\n"
        other = f"   **If {second}:** a job without end.\n\n   ```bash\n   docker compose restart jobs\n   ```\n"
        source = f"# Ops\n\n## The processor is busy\n\n{first}{other}"
        return [step.condition.text if step.condition else None for step in steps(source)]

    assert conditions("`top -bn1` shows jobs") == ["top -bn1 shows web", "top -bn1 shows jobs"]
    # another question may be meant within the first, and only a person can say so
    assert conditions("`docker ps` shows jobs") == ["top -bn1 shows web", None]
