"""Every look only reads, whatever the command's words hold; none of them is ever code; and what is not known is said."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from watchkeeper.book.commands import make_command
from watchkeeper.book.risk import assess
from watchkeeper.run.effect.derive import FAMILIES, effect_of
from watchkeeper.run.effect.model import Effect

#: one of each family and verb; Q is where a value of the book stands
COMMANDS = """
psql -h Q -U shop shop -c "DELETE FROM jobs WHERE state = 'done'"
psql -h db shop -c "UPDATE flags SET enabled = false WHERE name = 'x'" Q
psql "$DATABASE_URL" -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle'"
docker compose exec Q psql -U $POSTGRES_USER -c "TRUNCATE sessions"
docker exec -it db psql -U shop -c "ALTER SYSTEM SET work_mem = '8MB'" Q
ssh db1 'cd /srv && sudo docker exec -it db psql -U shop -c "DROP TABLE old"'
mysql -u root -pQ shop -e "DELETE FROM sessions WHERE age > 5"
mysql -h Q shop -e "SET GLOBAL max_connections = 500"
sqlite3 Q "DELETE FROM sessions WHERE age > 5"
psql -h db Q < dump.sql
gunzip -c backup.sql.gz | psql -h Q shop
pg_restore -h Q -d shop --clean backup.dump
./restore-db.sh -f Q.sql.gz
redis-cli -h Q FLUSHALL
redis-cli -n 2 FLUSHDB
redis-cli DEL Q other
redis-cli LTRIM Q 0 99
redis-cli SET Q off
redis-cli HSET flags Q 0
redis-cli CONFIG SET maxmemory Q
redis-cli --scan --pattern Q | xargs redis-cli unlink
kubectl --context Q -n shop scale deployment/web --replicas=3
kubectl scale deployment Q --replicas 0
kubectl rollout restart deployment/Q -n shop
kubectl rollout undo deployment Q --to-revision=2
kubectl set image deployment/web app=Q -n shop
kubectl set env deployment/web LOG=Q OLD-
kubectl set resources deployment Q --limits=cpu=200m
kubectl patch deployment Q -p '{"spec":{"replicas":3}}'
kubectl apply -f Q -n shop
kubectl delete pod Q -n shop
kubectl delete pod -l Q
kubectl drain Q --ignore-daemonsets
docker restart Q
docker rm -f Q
docker system prune -af --volumes
docker volume rm Q
docker compose -f Q up -d --scale web=5
docker compose stop Q
docker-compose down -v
sudo docker compose restart Q
systemctl restart Q
sudo service Q stop
supervisorctl -c Q restart web
sudo apt-get install -y Q
apt upgrade -y
terraform apply -auto-approve -var Q
terraform -chdir=infra apply Q
aws route53 change-resource-record-sets --hosted-zone-id Q --change-batch '{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"a.example","Type":"A"}}]}'
aws autoscaling set-desired-capacity --auto-scaling-group-name Q --desired-capacity 4
aws ecs update-service --cluster Q --service web --desired-count 3
aws rds promote-read-replica --db-instance-identifier Q
aws ec2 modify-volume --volume-id Q --size 100
rm -rf Q
find /srv/Q -name '*.log' -delete
find /srv -type f -name Q -exec rm -f {} +
truncate -s 0 Q
mv Q other
cp Q other
sed -i 's/image: .*/image: shop:1/' Q
sed -i "s/image: .*/image: shop:$TAG/" Q
cat /dev/null > Q
""".strip().splitlines()  # noqa: E501
HOSTILE = (
    "web",
    "it's; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    "a\ntouch pwned",
    '" ; touch pwned ; "',
    "x | touch pwned",
    "--help; touch pwned",
    "-delete",
    "a && touch pwned #",
    "<pod-name>",
)


STOOD_IN = (
    *("kubectl", "docker", "docker-compose", "psql", "mysql", "redis-cli", "systemctl", "supervisorctl", "apt", "apt-get"),
    *("terraform", "aws", "sudo", "ssh", "pg_restore", "sqlite3", "xargs"),
)


def derive(template: str, value: str) -> Effect:
    return effect_of(make_command(template.replace("Q", shlex.quote(value)), 1, "bash"))


@pytest.mark.parametrize("template", COMMANDS)
def test_a_command_of_each_family_is_known(template: str) -> None:
    effect = derive(template, "web")
    assert effect.known, effect.read(()).sentence
    assert effect.looks


@pytest.mark.parametrize("template", COMMANDS)
@pytest.mark.parametrize("value", HOSTILE)
def test_every_look_is_judged_reading_by_the_books_own_rules(template: str, value: str) -> None:
    for look in derive(template, value).looks:
        assert assess(look.script, look.language)[0] == "read", look.script


def test_every_program_of_the_table_of_families_is_tried() -> None:
    tried = " ".join(COMMANDS)
    like = {"valkey-cli", "oc", "k", "kubecolor", "podman", "nerdctl", "podman-compose", "tofu", "rmdir", "unlink", "shred"}
    assert [name for name in FAMILIES if name not in tried and name not in like] == []


@pytest.mark.slow
@pytest.mark.parametrize("value", [value for value in HOSTILE if "touch" in value])
def test_no_value_is_ever_run(value: str, tmp_path: Path) -> None:
    """Run every look with stand-ins for its programs, and see that a value's own command never does."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in STOOD_IN:
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    here = tmp_path / "here"
    here.mkdir()
    for template in COMMANDS:
        for look in derive(template, value).looks:
            path = {"PATH": f"{programs}:/usr/bin:/bin"}
            subprocess.run(["bash", "-c", look.script], env=path, cwd=here, capture_output=True, timeout=20, check=False)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("./fix.sh", "No preview is known for this command."),
        (
            "for n in 1 2; do kubectl delete pod x$n; done",
            "No preview is known: it is a loop, a branch or a function of its own.",
        ),
        ("$TOOL delete x", "No preview is known: its program is worked out by the shell ($TOOL)."),
        ('ssh db1 "docker restart $NAME"', "No preview is known: one shell works out words of another."),
        ('psql -c "DELETE FROM jobs WHERE id = $ID"', "No preview is known for this command."),
        ("rm -rf $(./which-one)", "No preview is known: what would look is not known to only read."),
        ('kubectl scale deployment/web --replicas=3; ./fix.sh "a', "No preview is known: its shell text cannot be read in full."),
    ],
)
def test_what_is_not_known_is_said(text: str, sentence: str) -> None:
    effect = effect_of(make_command(text, 1, "bash"))
    assert (effect.known, effect.looks, effect.read(()).sentence) == (False, (), sentence)


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("docker exec -it db redis-cli FLUSHDB", "docker exec -i db redis-cli INFO keyspace"),
        ("docker compose exec db redis-cli FLUSHDB", "docker compose exec -T db redis-cli INFO keyspace"),
        ("kubectl -n shop exec -ti redis-0 -- redis-cli FLUSHDB", "kubectl -n shop exec -i redis-0 -- redis-cli INFO keyspace"),
        ("ssh -p 22 ops@db1 redis-cli -n 1 FLUSHDB", "ssh -p 22 ops@db1 'redis-cli -n 1 INFO keyspace'"),
        ("sudo -u redis sh -c 'redis-cli FLUSHDB'", "sudo -u redis sh -c 'redis-cli INFO keyspace'"),
        ("cd /srv && REDISCLI_AUTH=$PW redis-cli FLUSHDB", "cd /srv && REDISCLI_AUTH=$PW redis-cli INFO keyspace"),
        ("timeout 30 /opt/redis/redis-cli -h $H FLUSHDB", "timeout 30 /opt/redis/redis-cli -h $H INFO keyspace"),
    ],
)
def test_a_look_stands_where_the_command_stands(text: str, looks: str) -> None:
    assert effect_of(make_command(text, 1, "bash")).looks[0].script == looks


def test_several_programs_have_one_effect_and_one_way_back() -> None:
    effect = effect_of(make_command("redis-cli SET a 1 && redis-cli HSET b c 2", 1, "bash"))
    assert len(effect.looks) == 2
    before = [{"kind": "string", "key": "a", "ttl": -1, "value": "0"}, [1, "1"]]
    assert effect.way_back(before) == "redis-cli HSET b c 1 && redis-cli SET a 0"
    half = effect_of(make_command("redis-cli SET a 1 && ./fix.sh", 1, "bash"))
    assert half.known
    assert half.way_back([before[0], None]) is None
