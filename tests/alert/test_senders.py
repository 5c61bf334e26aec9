"""What each sender really sends, and what that says of which alerts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.alert.model import Report
from watchkeeper.alert.senders import alertmanager, pagerduty
from watchkeeper.alert.senders.kinds import READERS, read_delivery
from watchkeeper.alert.senders.reading import instant
from watchkeeper.alert.senders.signing import is_signed, same, sns_address, sns_certificate_address, sns_signed, sns_text
from watchkeeper.base.errors import InputError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.alerting import KINDS
from watchkeeper.estate.model import Hook

TEN = datetime(2026, 3, 14, 10, 0, tzinfo=UTC)


def read(kind: str, body: Any, **headers: str) -> list[Report]:
    return read_delivery(Hook(kind, kind), body, {name.replace("_", "-"): value for name, value in headers.items()})


def one(kind: str, body: Any, **headers: str) -> Report:
    [report] = read(kind, body, **headers)
    return report


def alertmanager_body(status: str = "firing", **labels: str) -> dict[str, Any]:
    named = {"alertname": "InstanceDown", "instance": "web-1:9100", "job": "node", "severity": "page", **labels}
    return {
        "receiver": "watchkeeper", "status": status, "groupLabels": {"alertname": "InstanceDown"}, "commonLabels": named,
        "commonAnnotations": {"summary": "Instance web-1:9100 down"}, "externalURL": "http://am:9093", "version": "4",
        "groupKey": '{}:{alertname="InstanceDown"}', "truncatedAlerts": 0,
        "alerts": [{
            "status": status, "labels": named, "annotations": {"summary": "Instance web-1:9100 down"},
            "startsAt": "2026-03-14T10:00:00.123456789Z",
            "endsAt": "2026-03-14T10:05:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prom:9090/graph?g0.expr=up", "fingerprint": "5ef77f1f8a3ecfb2",
        }],
    }  # fmt: skip


def test_alertmanager() -> None:
    report = one("alertmanager", alertmanager_body())
    assert (report.id, report.name, report.status, report.severity) == ("5ef77f1f8a3ecfb2", "InstanceDown", "firing", "page")
    assert report.sentence == "Instance web-1:9100 down"
    assert report.began_at == report.at == TEN.replace(microsecond=123456)
    assert report.group == '{}:{alertname="InstanceDown"}'
    over = one("alertmanager", alertmanager_body("resolved"))
    assert (over.status, over.at) == ("resolved", TEN + timedelta(minutes=5))
    assert over.id == report.id
    assert alertmanager.left_out({"truncatedAlerts": 12}) == 12


def test_grafana_sends_the_same_and_says_when_its_own_query_saw_nothing() -> None:
    body = alertmanager_body(rulename="Orders") | {"orgId": 1, "title": "[FIRING:1]", "state": "alerting"}
    body["alerts"][0] |= {"values": {"B": 44.23, "C": 1}, "valueString": "[ var='B' value=44.23 ]", "silenceURL": "http://g/s"}
    assert one("grafana", body).value == 44.23
    unseen = one("grafana", alertmanager_body(alertname="DatasourceNoData", rulename="Orders"))
    assert (unseen.status, unseen.name) == ("blind", "Orders")


def cloudwatch_body(state: str, **more: str) -> dict[str, Any]:
    alarm = {
        "AlarmName": "rds-cpu", "AlarmDescription": "CPU of the database is high", "AWSAccountId": "123456789012",
        "NewStateValue": state, "NewStateReason": "Threshold Crossed: 1 datapoint [91.2] was greater than the threshold (80.0).",
        "StateChangeTime": "2026-03-14T10:00:00.000+0000", "Region": "EU (Frankfurt)", "OldStateValue": "OK",
        "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:rds-cpu",
        "Trigger": {"MetricName": "CPUUtilization", "Namespace": "AWS/RDS", "Threshold": 80.0,
                    "Dimensions": [{"name": "DBInstanceIdentifier", "value": "shop-db"}]},
    }  # fmt: skip
    return {
        "Type": "Notification", "MessageId": "b3c6ad6e", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
        "Subject": f'{state}: "rds-cpu"', "Message": json.dumps(alarm), "Timestamp": "2026-03-14T10:00:01.000Z",
        "SignatureVersion": "1", "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/Service-1.pem", **more,
    }  # fmt: skip


@pytest.mark.parametrize(("state", "status"), [("ALARM", "firing"), ("OK", "resolved"), ("INSUFFICIENT_DATA", "blind")])
def test_cloudwatch(state: str, status: str) -> None:
    report = one("cloudwatch", cloudwatch_body(state))
    assert (report.name, report.status, report.at) == ("rds-cpu", status, TEN)
    assert report.labels["DBInstanceIdentifier"] == "shop-db"
    assert report.id == one("cloudwatch", cloudwatch_body("ALARM")).id


def test_cloudwatch_without_its_envelope_is_not_taken() -> None:
    assert read("cloudwatch", json.loads(cloudwatch_body("ALARM")["Message"])) == []


@pytest.mark.parametrize(
    ("turned", "status"),
    [("Triggered", "firing"), ("Re-Triggered", "firing"), ("Warn", "firing"), ("Recovered", "resolved"), ("No Data", "blind"),
     ("No Data Recovered", "resolved"), ("Renotify", "firing")],
)  # fmt: skip
def test_datadog(turned: str, status: str) -> None:
    body = {
        "alert_id": "1234567", "alert_transition": turned, "alert_title": f"[{turned}] [P2] CPU is high on {{host:web-1}}",
        "alert_scope": "host:web-1", "priority": "P2", "tags": "env:prod,service:shop,monitor", "event_msg": "CPU is at 97 %",
        "date": "1773482400000", "link": "https://app.datadoghq.eu/event",
    }  # fmt: skip
    report = one("datadog", body)
    assert (report.name, report.status, report.severity) == ("CPU is high on {host:web-1}", status, "P2")
    assert report.at == TEN
    assert report.labels == {"env": "prod", "service": "shop", "monitor": "monitor"}


def test_sentry() -> None:
    event = {"action": "triggered", "data": {"triggered_rule": "Payments fail", "event": {
        "title": "PaymentError: gateway refused", "issue_id": "4711",
        "level": "error", "tags": [["environment", "prod"]]}}}  # fmt: skip
    firing = one("sentry", event, sentry_hook_resource="event_alert", sentry_hook_timestamp="1773482400")
    assert (firing.name, firing.status, firing.severity, firing.at) == ("Payments fail", "firing", "error", TEN)
    issue = {"action": "resolved", "data": {"issue": {"id": "4711", "title": "PaymentError", "project": {"slug": "shop"}}}}
    over = one("sentry", issue, sentry_hook_resource="issue")
    assert (over.id, over.status) == (firing.id, "resolved")
    metric = {"action": "critical", "data": {"description_text": "1000 events in 10 min", "web_url": "https://sentry.io",
              "metric_alert": {"id": "7", "alert_rule": {"name": "Errors"}, "projects": ["shop"]}}}  # fmt: skip
    assert (one("sentry", metric).name, one("sentry", metric).severity) == ("Errors", "critical")
    assert one("sentry", metric | {"action": "resolved"}).status == "resolved"
    assert read("sentry", {"action": "assigned", "data": {"issue": {"id": "1"}}}) == []
    assert read("sentry", {"action": "created", "installation": {}, "data": {}}, sentry_hook_resource="installation") == []


def test_uptime_kuma() -> None:
    body = {"heartbeat": {"monitorID": 1, "status": 0, "time": "2026-03-14 10:00:00.000", "msg": "connect ECONNREFUSED"},
            "monitor": {"id": 1, "name": "Shop", "url": "https://shop.test", "tags": [{"name": "team", "value": "web"}]},
            "msg": "[Shop] [🔴 Down] connect ECONNREFUSED"}  # fmt: skip
    down = one("uptime-kuma", body)
    assert (down.name, down.status, down.at, down.sentence) == ("Shop", "firing", TEN, "Shop: connect ECONNREFUSED")
    assert down.labels["team"] == "web"
    body["heartbeat"] |= {"status": 1, "msg": "200 - OK", "ping": 12}  # type: ignore[operator]
    assert (one("uptime-kuma", body).id, one("uptime-kuma", body).status) == (down.id, "resolved")
    assert read("uptime-kuma", {"heartbeat": None, "monitor": None, "msg": "Testing"}) == []
    body["heartbeat"] |= {"status": 3}  # type: ignore[operator]
    assert read("uptime-kuma", body) == []


def test_healthchecks() -> None:
    body = {
        "code": "c0ffee",
        "name": "nightly backup",
        "status": "down",
        "tags": "backup prod",
        "now": "2026-03-14T10:00:00+00:00",
    }
    down = one("healthchecks", body)
    assert (down.id, down.status, down.at) == (one("healthchecks", body | {"status": "up"}).id, "firing", TEN)
    assert down.labels == {"backup": "backup", "prod": "prod"}
    with pytest.raises(InputError):
        read("healthchecks", {"name": "x", "status": "$STATUS"})


def test_pagerduty() -> None:
    body = {"routing_key": "k", "event_action": "trigger", "dedup_key": "srv01/HTTP", "payload": {
        "summary": "HTTP is down on srv01", "source": "srv01", "severity": "critical", "component": "shop", "class": "http",
        "timestamp": "2026-03-14T10:00:00Z", "custom_details": {"value": 3}}}  # fmt: skip
    report = one("pagerduty", body)
    assert (report.id, report.name, report.component, report.severity, report.value) == (
        "srv01/HTTP",
        "http",
        "shop",
        "critical",
        3,
    )
    assert one("pagerduty", {"event_action": "resolve", "dedup_key": "srv01/HTTP"}).status == "resolved"
    assert one("pagerduty", {"event_action": "acknowledge", "dedup_key": "srv01/HTTP"}).status == "acknowledged"
    assert pagerduty.errors(body) == []
    assert pagerduty.errors({"event_action": "resolve"}) == ["'dedup_key' is missing or blank"]
    assert len(pagerduty.errors({"event_action": "trigger", "payload": {}})) == 3
    assert pagerduty.errors([])
    assert pagerduty.errors({"event_action": ["trigger"]})
    del body["dedup_key"]
    assert one("pagerduty", body).id == one("pagerduty", body).id


def test_a_mapping_finds_what_its_owner_says() -> None:
    fields = {"each": "$.checks", "name": "what.name", "status": "state", "severity": "grade", "value": "readings[0]",
              "labels": "tags", "component": "part", "sentence": "why", "id": "what.id", "began": "since"}  # fmt: skip
    hook = Hook("own", "mapping", fields=fields, firing=("1",), resolved=("0",))
    check = {"what": {"name": "disk", "id": 9}, "state": 1, "grade": "SEV2", "readings": [97.5], "tags": ["env:prod"],
             "part": "Database", "why": "Disk is full", "since": 1773482400}  # fmt: skip
    first, second = read_delivery(hook, {"checks": [check, check | {"state": "0"}]}, {})
    assert (first.id, first.name, first.status, first.value, first.component) == (second.id, "disk", "firing", 97.5, "Database")
    assert (first.labels, first.began_at, second.status) == ({"env": "prod"}, TEN, "resolved")
    with pytest.raises(InputError, match=r"\[hooks.own\] looks for each"):
        read_delivery(hook, {"checks": {}}, {})
    plain = Hook("own", "mapping", fields={"name": "n", "status": "s"})
    words = {"OK": "resolved", "up": "resolved", "0": "firing", "1": "firing", "odd": "firing", "": "firing"}
    assert {word: read_delivery(plain, {"n": "x", "s": word}, {})[0].status for word in words} == words


def test_each_kind_of_the_configuration_can_be_read() -> None:
    assert {*READERS, "mapping"} == set(KINDS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["alerts", "labels", "status", "data", "event", "issue", "monitor", "heartbeat", "payload", "name",
                         "Message",
                         "Type", "event_action", "dedup_key", "startsAt", "annotations", "tags", "metric_alert", "date"])
        | st.text(max_size=5), inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.sampled_from(sorted(READERS)))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_is_read_or_refused(body: Any, kind: str) -> None:
    if kind == "pagerduty" and pagerduty.errors(body):
        return
    try:
        found = read(kind, body)
    except InputError:
        return
    for report in found:
        assert report.name
        assert report.sentence.isprintable()
        assert len(report.sentence) <= 1000
        assert report.name.isprintable()
        assert len(report.id) <= 255
        assert len(report.labels) <= 64
        json.dumps(dict(report.labels)).encode()
        f"{report.id}{report.name}{report.sentence}{report.group}".encode()


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("2026-03-14T10:00:00Z", TEN), ("2026-03-14T11:00:00+01:00", TEN), (1773482400, TEN), ("1773482400000", TEN), (0, None),
     ("0001-01-01T00:00:00Z", None), ("soon", None), (1e300, None), (True, None), ("9" * 400, None), (float("nan"), None)],
)  # fmt: skip
def test_instants(written: Any, read_as: datetime | None) -> None:
    assert instant(written) == read_as


def test_a_shared_secret_signs() -> None:
    secret, body = Secret("a secret of the sender"), b'{"a": 1}'
    signed = hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()
    timed = hmac.new(secret.reveal().encode(), b"1773482400:" + body, hashlib.sha256).hexdigest()
    assert is_signed("sentry", secret, body, {"sentry-hook-signature": signed})
    assert is_signed("grafana", secret, body, {"x-grafana-alerting-signature": signed})
    headers = {"x-grafana-alerting-signature": timed, "x-grafana-alerting-timestamp": "1773482400"}
    assert is_signed("grafana", secret, body, headers)
    assert is_signed("mapping", secret, body, {"x-hub-signature-256": f"sha256={signed}"})
    for wrong in ("", "0" * 64, signed[:-1], "ünïcode"):
        assert not is_signed("sentry", secret, body, {"sentry-hook-signature": wrong})
    assert same("a secret of the sender", secret)
    assert not same("", secret)
    assert not same("", None)
    assert not same("there is none", None)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem", True),
        ("https://sns.us-gov-west-1.amazonaws.com/x.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/x.pem", True),
        ("http://sns.eu-central-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-central-1.amazonaws.com.evil.test/x.pem", False),
        ("https://evil.test/sns.eu-central-1.amazonaws.com/x.pem", False),
        ("https://bucket.s3.amazonaws.com/x.pem", False),
        ("https://sns.eu-central-1.amazonaws.com@evil.test/x.pem", False),
        ("https://user@sns.eu-central-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-central-1.amazonaws.com:8443/x.pem", False),
        ("https://[::1", False),
        (None, False),
    ],
)
def test_only_snss_own_hosts_are_asked(url: Any, allowed: bool) -> None:
    assert sns_address(url) is allowed


def own_certificate(now: datetime, days: int = 30) -> tuple[Any, bytes]:
    """A certificate of our own, in the place of Amazon's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))
    return key, made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sign(key: Any, message: dict[str, Any]) -> dict[str, Any]:
    """Sign a message as SNS does."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    digest = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()
    signature = key.sign(sns_text(message), padding.PKCS1v15(), digest)
    return {**message, "Signature": base64.b64encode(signature).decode()}


def test_sns_signs_each_field() -> None:
    key, pem = own_certificate(TEN)
    for version in ("1", "2"):
        signed = sign(key, cloudwatch_body("ALARM", SignatureVersion=version))
        assert sns_signed(signed, pem, TEN)
        for field in ("Message", "TopicArn", "Timestamp", "MessageId", "Subject"):
            assert not sns_signed(signed | {field: "other"}, pem, TEN)
        assert not sns_signed(signed | {"Signature": "no base64!"}, pem, TEN)
        assert not sns_signed(signed | {"SignatureVersion": "3"}, pem, TEN)
        assert not sns_signed(signed, pem, TEN + timedelta(days=31))
        assert not sns_signed(signed, b"no certificate", TEN)


@pytest.mark.parametrize(
    ("rest", "allowed"),
    [
        ("SimpleNotificationService-0123abcd.pem", True),
        ("?Action=GetTopicAttributes&TopicArn=evil.pem", False),
        ("x.pem?Action=GetTopicAttributes", False),
        ("a/x.pem", False),
        ("x.pem#y", False),
    ],
)
def test_a_certificate_is_asked_for_only_where_sns_keeps_them(rest: str, allowed: bool) -> None:
    assert sns_certificate_address(f"https://sns.eu-central-1.amazonaws.com/{rest}") is allowed
    assert not sns_certificate_address(f"https://evil.test/{rest}")
