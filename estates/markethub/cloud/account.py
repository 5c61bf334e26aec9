"""What lies in the account when the estate starts: instances, buckets with their files, the load balancer, the zone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.rds.models import rds_backends

FENCE_GROUP, DATABASE_GROUP = "sg-fence", "sg-database"
NAMES = Path("/var/lib/account")


def fill(endpoint: str) -> None:
    """Make it, and write down the names that AWS itself gave, a file each."""

    def client(service: str, region: str = "us-east-1") -> Any:
        return boto3.client(service, region, endpoint_url=endpoint, aws_access_key_id="estate", aws_secret_access_key="estate")

    _databases(client)
    names = {**_storage(client("s3")), **_balancer(client), **_zone(client("route53"))}
    NAMES.mkdir(parents=True, exist_ok=True)
    for name, value in names.items():
        (NAMES / name).write_text(value)


def start_machines(endpoint: str) -> None:
    """Start two machines; moto takes long to learn which kinds of them there are."""
    keys = {"aws_access_key_id": "estate", "aws_secret_access_key": "estate"}
    ec2 = boto3.client("ec2", "us-east-1", endpoint_url=endpoint, **keys)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, InstanceType="m5.large")


def _databases(client: Any) -> None:
    east, west = client("rds"), client("rds", "us-west-2")
    subnets = [client("ec2").describe_subnets()["Subnets"][n]["SubnetId"] for n in (0, 1)]
    east.create_db_subnet_group(DBSubnetGroupName="markethub", DBSubnetGroupDescription="private", SubnetIds=subnets)
    east.create_db_parameter_group(DBParameterGroupName="markethub", DBParameterGroupFamily="postgres15", Description="ours")
    instance: dict[str, Any] = {
        "DBInstanceClass": "db.r5.xlarge", "Engine": "postgres", "EngineVersion": "15.4", "AllocatedStorage": 500,
        "MasterUsername": "markethub", "MasterUserPassword": "not-used-here", "DBName": "markethub",
        "BackupRetentionPeriod": 35,
    }  # fmt: skip
    east.create_db_instance(
        DBInstanceIdentifier="markethub-prod", MultiAZ=True, VpcSecurityGroupIds=[DATABASE_GROUP],
        DBSubnetGroupName="markethub", DBParameterGroupName="markethub", **instance,
    )  # fmt: skip
    east.create_db_instance_read_replica(DBInstanceIdentifier="markethub-replica", SourceDBInstanceIdentifier="markethub-prod")
    # moto cannot make a replica in another region from an instance with an identifier of its own
    west.create_db_instance(DBInstanceIdentifier="markethub-west-replica", **instance)
    rds_backends[DEFAULT_ACCOUNT_ID]["us-west-2"].databases["markethub-west-replica"].set_as_replica()
    client("elasticache").create_cache_cluster(
        CacheClusterId="markethub-cache", CacheNodeType="cache.r5.large", Engine="redis", NumCacheNodes=1
    )


def _storage(s3: Any) -> dict[str, str]:
    for bucket in ("markethub-media", "markethub-archive", "markethub-backups"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    key = "products/images/kettle.jpg"
    good = s3.put_object(Bucket="markethub-media", Key=key, Body=b"a kettle, as it was photographed")
    s3.put_object(Bucket="markethub-media", Key=key, Body=b"")
    for number in range(3):
        s3.put_object(Bucket="markethub-media", Key=f"old-images/{number}.jpg", Body=b"old" * 100)
    s3.put_bucket_lifecycle_configuration(
        Bucket="markethub-media",
        LifecycleConfiguration={
            "Rules": [{"ID": "uploads", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}}]
        },
    )
    return {"object_key": key, "version_id": good["VersionId"]}


def _balancer(client: Any) -> dict[str, str]:
    elb, acm, ec2 = client("elbv2"), client("acm"), client("ec2")
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2]]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    lb = Path("/var/lib/lb")
    certificate = acm.import_certificate(
        Certificate=(lb / "cert.pem").read_bytes(), PrivateKey=(lb / "key.pem").read_bytes(),
        CertificateChain=(lb / "ca.pem").read_bytes(),
    )["CertificateArn"]  # fmt: skip
    balancer = elb.create_load_balancer(Name="markethub", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="gateway", Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip")
    group_arn = group["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group_arn, Targets=[{"Id": "10.0.0.10", "Port": 8000}])
    listener = elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    return {"target_group_arn": group_arn, "cert_arn": certificate, "listener_arn": listener}


def _zone(route53: Any) -> dict[str, str]:
    zone = route53.create_hosted_zone(Name="markethub.com.", CallerReference="estate")["HostedZone"]["Id"].split("/")[-1]
    records = [{"Value": "lb"}]
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {"Name": "api.markethub.com.", "Type": "CNAME", "TTL": 60, "ResourceRecords": records},
    }
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    return {"zone_id": zone}
