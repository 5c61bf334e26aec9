"""What each family reads out of what its looks give, sentence by sentence, with the way back and the evidence."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from watchkeeper.book.commands import make_command
from watchkeeper.book.syntax import read_script
from watchkeeper.run.effect.derive import effect_of
from watchkeeper.run.effect.model import Answer, Effect, Seen


def effect(text: str) -> Effect:
    return effect_of(make_command(text, 1, "bash"))


def read(text: str, *outputs: str | tuple[str, int]) -> Seen:
    answers = [Answer(output) if isinstance(output, str) else Answer(*output) for output in outputs]
    found = effect(text)
    assert len(answers) == len(found.looks)
    return found.read(answers)


# --- Kubernetes


def workload(replicas: int = 5, image: str = "shop:2", **container: Any) -> dict[str, Any]:
    own = {"name": "app", "image": image, "resources": {}, **container}
    annotations = {"deployment.kubernetes.io/revision": "7"}
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "uid": "u1", "annotations": annotations},
        "spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate"}, "template": {"spec": {"containers": [own]}}},
        "status": {"readyReplicas": 4},
    }


HPA = {"items": [{"kind": "HorizontalPodAutoscaler", "spec": {
    "minReplicas": 2, "maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}}]}  # fmt: skip


def test_scaling_says_from_to_and_the_autoscaler() -> None:
    text = "kubectl -n shop scale deployment/web --replicas=3"
    seen = read(text, json.dumps(workload()), json.dumps(HPA))
    assert seen.sentence == "deployment/web: replicas 5 → 3; an HPA (2–10) will override it."
    assert effect(text).way_back(seen.before) == "kubectl scale deployment/web --replicas=5 -n shop"
    alone = read(text, json.dumps(workload()), ("forbidden", 1))
    assert alone.sentence == "deployment/web: replicas 5 → 3."
    assert alone.scope != seen.scope
    after = read(text, json.dumps(workload(3)), json.dumps(HPA))
    assert effect(text).happened(seen.before, after) is True
    assert effect(text).happened(seen.before, seen) is None
    assert effect(text).happened(after.before, after) is None
    gone = read(text, ('Error from server (NotFound): deployments.apps "web" not found', 1), "{}")
    assert gone.sentence == ('The effect could not be looked at: Error from server (NotFound): deployments.apps "web" not found.')


def test_a_restart_says_how_many_pods_and_whether_all_at_once() -> None:
    text = "kubectl rollout restart deployment/web"
    assert read(text, json.dumps(workload())).sentence == "Replaces 5 pods of deployment/web, 4 of them ready."
    recreate = workload()
    recreate["spec"]["strategy"]["type"] = "Recreate"
    assert "all at once: nothing serves meanwhile" in read(text, json.dumps(recreate)).sentence
    after = workload()
    after["spec"]["template"]["metadata"] = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-03-14T03:00:00Z"}}
    before = read(text, json.dumps(workload()))
    assert effect(text).happened(before.before, read(text, json.dumps(after))) is True
    assert effect(text).happened(before.before, before) is None


def test_a_rollback_names_the_revision_and_the_images() -> None:
    def revision(number: int, image: str) -> dict[str, Any]:
        made = workload(image=image)
        return {
            **made,
            "metadata": {"annotations": {"deployment.kubernetes.io/revision": str(number)}, "ownerReferences": [{"uid": "u1"}]},
        }

    sets = json.dumps({"items": [revision(5, "shop:0"), revision(6, "shop:1"), revision(7, "shop:2")]})
    seen = read("kubectl rollout undo deployment/web", json.dumps(workload()), sets)
    assert seen.sentence == "deployment/web revision 7 → 6; app: shop:2 → shop:1; migrations of a database stay as they are."
    assert (
        effect("kubectl rollout undo deployment/web").way_back(seen.before)
        == "kubectl rollout undo deployment/web --to-revision=7"
    )
    fixed = read("kubectl rollout undo deployment/web --to-revision=2", json.dumps(workload()), sets)
    assert "revision 2 is not kept any more" in fixed.sentence


def test_an_image_is_put_back_by_its_container() -> None:
    text = "kubectl set image deployment/web app=shop:3 -n shop"
    seen = read(text, json.dumps(workload()))
    assert seen.sentence == "deployment/web app: shop:2 → shop:3; its pods are replaced."
    way = effect(text).way_back(seen.before)
    assert way is not None
    patch = json.loads(shlex.split(way)[5])
    assert patch == [
        {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "app"},
        {"op": "add", "path": "/spec/template/spec/containers/0/image", "value": "shop:2"},
    ]
    assert effect(text).happened(seen.before, read(text, json.dumps(workload(image="shop:3")))) is True


def test_env_that_was_not_there_is_taken_away_again_and_secrets_are_not_shown() -> None:
    text = "kubectl set env deployment/web LOG=debug DB_PASSWORD=new OLD-"
    seen = read(text, json.dumps(workload(env=[{"name": "OLD", "value": "1"}])))
    assert "app LOG: none → debug" in seen.sentence
    assert "app DB_PASSWORD: none → (not shown)" in seen.sentence
    assert "app OLD: 1 → none" in seen.sentence
    way = effect("kubectl set env deployment/web LOG=debug").way_back([["deployment/web", [{"name": "app", "env": None}]]])
    assert way is not None
    assert json.loads(shlex.split(way)[5])[-1] == {"op": "remove", "path": "/spec/template/spec/containers/0/env"}


def test_a_patch_is_put_back_where_it_patched() -> None:
    text = """kubectl patch deployment web -p '{"spec":{"replicas":3}}'"""
    seen = read(text, json.dumps(workload()))
    assert seen.sentence == "deployment/web: spec.replicas 5 → 3."
    way = effect(text).way_back(seen.before)
    assert way is not None
    assert json.loads(shlex.split(way)[5]) == [{"op": "add", "path": "/spec", "value": workload()["spec"]}]
    secret = {"kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "aHVudGVyMg=="}}
    hidden = read("""kubectl patch secret db -p '{"data":{"password":"bmV3"}}'""", json.dumps(secret))
    assert hidden.before is None
    assert "aHVudGVyMg" not in repr(hidden)


def test_applying_shows_the_difference_and_keeps_what_was_there() -> None:
    diff = "diff -u -N /tmp/LIVE-1/apps.v1.Deployment.shop.web /tmp/MERGED-1/apps.v1.Deployment.shop.web\n--- a\n+++ b\n"
    diff += "-  generation: 5\n+  generation: 6\n-  replicas: 5\n+  replicas: 3\n"
    text = "kubectl apply -f web.yml"
    seen = read(text, (diff, 1), json.dumps(workload()))
    assert seen.sentence == "Changes 1 object: apps.v1.Deployment.shop.web; 1 line more, 1 fewer."
    way = effect(text).way_back(seen.before)
    assert way is not None
    kept = json.loads(read_script(way).calls[0].words[2].text)["items"][0]
    assert kept["spec"] == workload()["spec"]
    assert "status" not in kept
    assert way.endswith("| kubectl replace -f -")
    new = read(text, (diff + diff.replace("web", "api"), 1), json.dumps(workload()))
    assert effect(text).way_back(new.before) is None
    assert read(text, ("", 0), json.dumps(workload())).sentence == "Changes nothing: the cluster has it like this already."


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"kind": "Pod", "metadata": {"name": "w-1", "uid": "1", "ownerReferences": [{"kind": "ReplicaSet"}]}},
         "Deletes 1 object: pod/w-1; ReplicaSet makes it anew."),
        ({"kind": "Pod", "metadata": {"name": "w-1", "uid": "1"}},
         "Deletes 1 object: pod/w-1; pod/w-1: of no controller, so gone for good."),
        ({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "uid": "1"}},
         "Deletes 1 object: persistentvolumeclaim/data; persistentvolumeclaim: its data goes with it unless the volume "
         "is retained."),
    ],
)  # fmt: skip
def test_deleting_says_what_comes_back_and_what_does_not(item: dict[str, Any], sentence: str) -> None:
    text = "kubectl delete pod w-1"
    seen = read(text, json.dumps(item))
    assert seen.sentence == sentence
    missing = read(text, ('Error from server (NotFound): pods "w-1" not found', 1))
    assert effect(text).happened(seen.before, missing) is True
    assert effect(text).happened(seen.before, seen) is None


def test_draining_counts_who_moves_and_who_is_lost() -> None:
    pods = [
        {"kind": "Pod", "metadata": {"name": "a", "ownerReferences": [{"kind": "ReplicaSet"}]}},
        {"kind": "Pod", "metadata": {"name": "b", "ownerReferences": [{"kind": "DaemonSet"}]}},
        {"kind": "Pod", "metadata": {"name": "c"}},
    ]
    text = "kubectl --context prod drain node-1 --ignore-daemonsets"
    seen = read(text, json.dumps({"items": pods}))
    assert seen.sentence == "Evicts 2 pods from node-1; pod/c: of no controller, so gone for good."
    assert effect(text).way_back(seen.before) == "kubectl uncordon node-1 --context prod"


# --- containers


def row(name: str, state: str = "running", service: str = "web", **values: Any) -> str:
    labels = {"com.docker.compose.service": service, "com.docker.compose.config-hash": values.pop("hash", "h1")}
    made = {"id": f"id-{name}", "name": f"/{name}", "state": state, "since": "2026-03-14T01:00:00Z", "image": "shop:1"}
    return json.dumps({**made, "labels": labels, "mounts": [], **values}) + "\n"


def test_containers_are_named_with_their_state() -> None:
    text = "docker stop web-1 web-2"
    seen = read(text, row("web-1") + row("web-2"))
    assert seen.sentence == "Stops 2 containers: web-1 (running), web-2 (running)."
    assert effect(text).way_back(seen.before) == "docker start web-1 web-2"
    mixed = read(text, row("web-1") + row("web-2", "exited"))
    assert effect(text).way_back(mixed.before) is None
    after = read(text, row("web-1", "exited") + row("web-2", "exited"))
    assert effect(text).happened(seen.before, after) is True
    assert effect(text).happened(seen.before, mixed) is None
    anew = row("web-1", since="2026-03-14T03:00:00Z") + row("web-2", since="2026-03-14T03:00:00Z")
    restart = "docker restart web-1 web-2"
    assert effect(restart).happened(read(restart, row("web-1") + row("web-2")).before, read(restart, anew)) is True


def test_compose_down_says_what_v_deletes() -> None:
    mounts = [{"Type": "volume", "Name": "shop_pgdata"}]
    rows = row("web-1") + row("db-1", service="db", mounts=mounts)
    assert read("docker compose down", rows).sentence == "Stops and removes 2 containers: web-1, db-1; their logs go with them."
    assert read("docker compose down -v", rows).sentence.endswith("deletes 1 volume with all data: shop_pgdata.")


def test_compose_up_says_what_is_made_anew_and_what_is_scaled_down() -> None:
    rows, hashes = row("web-1") + row("web-2") + row("db-1", service="db", hash="old"), "web h1\ndb h2\nworker h3\n"
    seen = read("docker compose up -d --scale web=5", rows, hashes)
    assert seen.sentence == "web: 2 → 5 containers; makes db anew: its files changed; makes worker."
    way = effect("docker compose up -d --scale web=5").way_back(seen.before)
    assert way == "docker compose up -d --no-recreate --no-deps --scale web=2 web"
    other = read("docker compose up -d --scale worker=4", rows, hashes)
    assert "goes from 2 to what its files say" in other.sentence
    kept = read("docker compose up -d --no-recreate db", rows, hashes)
    assert kept.sentence == "Everything stays as it is."


def test_a_prune_says_what_and_how_much() -> None:
    df = "Images: 3.2GB (40%)\nContainers: 12MB (100%)\nLocal Volumes: 0B\nBuild Cache: 1.1GB\n"
    seen = read("docker system prune -f", "old-1\n", "abc shop 3 weeks ago\n", "data\n", df)
    assert seen.sentence.startswith(
        "Deletes stopped containers, unused networks, dangling images and the build cache; 1 container"
    )
    assert "1 dangling image: an image to roll back to may be among them" in seen.sentence
    assert "frees up to Images: 3.2GB (40%)" in seen.sentence
    assert "data" not in seen.sentence
    assert "1 volume with all data: data" in read("docker volume prune -f", "", "", "data\n", df).sentence


# --- services, packages, terraform, AWS, restores


def unit(state: str = "active", pid: int = 100, since: int = 5) -> str:
    times = f"MainPID={pid}\nActiveEnterTimestampMonotonic={since}\nUnitFileState=enabled\n"
    return f"Id=nginx.service\nActiveState={state}\nSubState=running\n{times}"


def test_a_unit_says_who_needs_it_and_when_it_began_anew() -> None:
    text = "sudo systemctl restart nginx"
    seen = read(text, unit(), "nginx.service\n  shop.service\n  multi-user.target\n")
    assert seen.sentence == "Restarts nginx.service (active, running); shop.service needs it."
    assert effect(text).happened(seen.before, read(text, unit(pid=200, since=9), "")) is True
    assert effect(text).happened(seen.before, read(text, unit(), "")) is None
    stop = read("sudo systemctl stop nginx", unit(), "")
    assert effect("sudo systemctl stop nginx").way_back(stop.before) == "sudo systemctl start nginx"


def test_supervisor_says_state_and_new_pid() -> None:
    text = "supervisorctl -c s.conf restart web"
    seen = read(text, "web                              RUNNING   pid 17, uptime 0:05:00\n")
    assert seen.sentence == "Restarts 1 program: web (RUNNING)."
    assert effect(text).happened(seen.before, read(text, "web   RUNNING   pid 18, uptime 0:00:01\n")) is True
    stopped = read("supervisorctl stop web", ("web STOPPED Not started\n", 3))
    assert stopped.sentence == "Stops 1 program: web (STOPPED)."


def test_packages_name_the_servers_that_restart() -> None:
    output = (
        "Inst libssl3 [3.0.11-1] (3.0.14-1 Debian:12/stable [amd64])\n"
        "Inst docker.io [20.10.24] (20.10.25 Debian:12/stable [amd64])\n"
        "Inst linux-image-6.1.0-22-amd64 (6.1.94-1 Debian:12/stable [amd64])\nRemv old-thing [1.0]\nConf libssl3 (3.0.14-1)\n"
    )
    seen = read("sudo apt-get upgrade -y", output)
    assert seen.sentence == (
        "Upgrades 2 packages; installs 1 package: linux-image-6.1.0-22-amd64; removes 1 package: old-thing; "
        "may restart libssl3 3.0.11-1 → 3.0.14-1, docker.io 20.10.24 → 20.10.25; the new kernel takes a reboot."
    )


def test_a_terraform_plan_names_what_it_destroys() -> None:
    output = (
        "  # aws_instance.web will be updated in-place\n"
        "  # aws_db_instance.main must be replaced\n  # aws_s3_bucket.old will be destroyed\n"
        "Plan: 1 to add, 1 to change, 2 to destroy.\n"
    )
    seen = read("terraform apply -auto-approve", output)
    assert seen.sentence == (
        "Adds 1, changes 1, destroys 2; destroys or replaces aws_db_instance.main, aws_s3_bucket.old; changes aws_instance.web."
    )
    assert read("terraform destroy -auto-approve", "No changes.\n").sentence.startswith("Changes nothing")


BATCH = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
    "Name": "shop.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.9"}]}}]}  # fmt: skip


def test_a_record_says_from_to_and_how_long_resolvers_keep_it() -> None:
    text = f"aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch '{json.dumps(BATCH)}'"
    old = {"Name": "shop.example.", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    seen = read(text, json.dumps({"ResourceRecordSets": [old]}))
    assert seen.sentence == (
        "A shop.example: 192.0.2.1 (TTL 300 s) → 192.0.2.9 (TTL 60 s); resolvers keep the old one for up to 300 seconds."
    )
    way = effect(text).way_back(seen.before)
    assert way is not None
    assert json.loads(shlex.split(way)[6]) == {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": old}]}
    new = read(text, json.dumps({"ResourceRecordSets": []}))
    assert new.sentence == "A shop.example: none → 192.0.2.9 (TTL 60 s)."


def test_aws_counts_and_what_cannot_go_back() -> None:
    text = "aws ecs update-service --cluster prod --service web --desired-count 2"
    seen = read(text, json.dumps({"services": [{"desiredCount": 6, "runningCount": 6, "taskDefinition": "web:9"}]}))
    assert seen.sentence == "DesiredCount 6 → 2; 6 of 6 tasks run now."
    assert effect(text).way_back(seen.before) == "aws ecs update-service --cluster prod --service web --desired-count 6"
    promote = "aws rds promote-read-replica --db-instance-identifier r1"
    instance = {"DBInstanceStatus": "available", "DBInstanceClass": "db.r6g.large", "Engine": "postgres"}
    told = read(promote, json.dumps({"DBInstances": [{**instance, "ReadReplicaSourceDBInstanceIdentifier": "p1"}]}))
    assert "it stops following p1 for good; fence p1 first" in told.sentence
    assert effect(promote).way_back(told.before) is None
    volume = "aws ec2 modify-volume --volume-id vol-1 --size 200"
    grown = read(volume, json.dumps({"Volumes": [{"Size": 100, "VolumeType": "gp3"}]}))
    assert grown.sentence == "Size 100 → 200."
    assert effect(volume).way_back(grown.before) is None
    assert effect(volume).no_way_back == "No way back: a volume does not shrink, and takes no second change for six hours."


def test_a_restore_says_what_goes_and_how_old_the_backup_is() -> None:
    database = json.dumps({"name": "shop", "tables": 42, "rows": 1204000, "bytes": 350_000_000})
    aged = "5000000 1700000000\n1700259200\n"
    seen = read("gunzip -c backup.sql.gz | psql -h db shop", database, aged)
    assert seen.sentence == "Goes over shop: 42 tables, about 1,204,000 rows (350 MB); backup.sql.gz is 5.0 MB and 3 days old."
    missing = read("psql -h db shop < backup.sql", database, ("stat: cannot stat", 1))
    assert "backup.sql is not there" in missing.sentence
    listing = "1; 0 0 ENCODING\n2; 1259 1 TABLE DATA public jobs shop\n3; 1259 2 TABLE DATA public flags shop\n"
    whole = read("pg_restore -d shop --clean b.dump", database, aged, listing)
    assert "the file holds 2 tables; what is there is dropped first" in whole.sentence
    script = read("./restore-db.sh -f b.sql.gz", aged)
    assert script.sentence == "What restore-db.sh would overwrite is not known; b.sql.gz is 5.0 MB and 3 days old."
