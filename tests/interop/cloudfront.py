"""Asks `cdn-purge mock-server` with AWS's own client, for every operation that cdn-purge uses.

Usage: cloudfront.py BINARY (through the `run` next to it, which sets up the environment)
"""

import base64
import functools
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mock_server import MockServer
from stories import equal, tell, title

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

# Made-up credentials.
KEY = {"AWS_ACCESS_KEY_ID": "interop-key", "AWS_SECRET_ACCESS_KEY": "interop-secret"}
TOKEN = {"AWS_SESSION_TOKEN": "interop-token+/=="}
SITE = "https://d111111abcdef8.cloudfront.net"
ID = "EDFDVBD6EXAMPLE"


def client(mock, id="interop-key", secret="interop-secret", token=None, service="cloudfront", **options):
    config = Config(retries={"total_max_attempts": 1}, **options)
    keys = {"aws_access_key_id": id, "aws_secret_access_key": secret, "aws_session_token": token}
    return boto3.client(service, region_name="us-east-1", endpoint_url=f"http://{mock.address}", config=config, **keys)


def batch(reference, *paths):
    return {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}


def refusal(call, **parameters):
    """The code and the HTTP status of a call that must be refused."""
    try:
        answer = call(**parameters)
    except ClientError as refused:
        return refused.response["Error"]["Code"], refused.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"this should be refused and said {answer}")


def an_invalidation_and_its_end(binary):
    with MockServer(binary, "--task-seconds", "0.5", environment=KEY) as mock:
        cloudfront = client(mock)
        paths = ["/a&b.html?x=1", "/docs/*", "#article-1", "/*"]
        answer = cloudfront.create_invalidation(DistributionId=ID, InvalidationBatch=batch("one", *paths))
        made = answer["Invalidation"]
        equal((answer["ResponseMetadata"]["HTTPStatusCode"], made["Status"]), (201, "InProgress"))
        equal(made["InvalidationBatch"]["Paths"]["Items"], paths)
        cloudfront.get_waiter("invalidation_completed").wait(DistributionId=ID, Id=made["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 10})
        listed = cloudfront.list_invalidations(DistributionId=ID)["InvalidationList"]["Items"]
        equal([(row["Id"], row["Status"]) for row in listed], [(made["Id"], "Completed")])
        urls = [f"{SITE}/a&b.html?x=1", f"{SITE}/docs/", f"{SITE}/#article-1", f"{SITE}/"]
        equal(mock.ledger(), [("refresh", url) for url in urls])
        again = cloudfront.create_invalidation(DistributionId=ID, InvalidationBatch=batch("one", *paths))
        equal((again["Invalidation"]["Id"], len(mock.ledger())), (made["Id"], 4))


def the_distributions_page_by_page(binary):
    with MockServer(binary, environment=KEY) as mock:
        pages = client(mock).get_paginator("list_distributions").paginate()
        rows = [row for page in pages for row in page["DistributionList"]["Items"]]
        equal([row["Id"] for row in rows], ["E2OTHEREXAMPLE", ID])
        equal(rows[1]["Aliases"]["Items"], ["www.example.com", "*.example.com"])


def refusals_have_the_vendors_codes(binary):
    with MockServer(binary, "--refuse", "/refused", "--forbid", "GetInvalidation", environment={**KEY, **TOKEN}) as mock:
        token = TOKEN["AWS_SESSION_TOKEN"]
        cloudfront = client(mock, token=token)
        create = functools.partial(cloudfront.create_invalidation, DistributionId=ID)
        made = create(InvalidationBatch=batch("one", "/a"))["Invalidation"]["Id"]
        equal(refusal(create, InvalidationBatch=batch("one", "/b")), ("InvalidationBatchAlreadyExists", 400))
        for paths in (["/refused"], ["no-slash"], ["/a*b"], ["#two,tags"]):
            equal(refusal(create, InvalidationBatch=batch("two", *paths)), ("InvalidArgument", 400))
        many = [f"/{number}" for number in range(3_001)]
        equal(refusal(create, InvalidationBatch=batch("two", *many)), ("BatchTooLarge", 413))
        for most in (many[:3_000], [f"/{number}/*" for number in range(16)]):
            equal(refusal(create, InvalidationBatch=batch("two", *most)), ("TooManyInvalidationsInProgress", 400))
        wrong = {"Paths": {"Quantity": 2, "Items": ["/a"]}, "CallerReference": "three"}
        equal(refusal(create, InvalidationBatch=wrong), ("InconsistentQuantities", 400))
        equal(refusal(cloudfront.get_invalidation, DistributionId=ID, Id=made), ("AccessDenied", 403))
        equal(refusal(create, DistributionId="nothing", InvalidationBatch=batch("x", "/a")), ("NoSuchDistribution", 404))
        for other, code in (
            ({"secret": "wrong", "token": token}, "SignatureDoesNotMatch"),
            ({"id": "nobody"}, "InvalidClientTokenId"),
            ({"token": "other"}, "InvalidClientTokenId"),
        ):
            call = client(mock, **other).create_invalidation
            equal(refusal(call, DistributionId=ID, InvalidationBatch=batch("x", "/a")), (code, 403))
        equal(mock.ledger(), [("refresh", f"{SITE}/a")])


def a_tenant_has_invalidations_of_its_own(binary):
    with MockServer(binary, "--task-seconds", "0", environment=KEY) as mock:
        cloudfront = client(mock)
        made = cloudfront.create_invalidation_for_distribution_tenant(Id="dt_1", InvalidationBatch=batch("one", "/a"))
        found = cloudfront.get_invalidation_for_distribution_tenant(DistributionTenantId="dt_1", Id=made["Invalidation"]["Id"])
        equal(found["Invalidation"]["Status"], "Completed")


def a_role_by_an_oidc_token(binary):
    claims = base64.urlsafe_b64encode(json.dumps({"aud": "sts.amazonaws.com", "exp": 4_000_000_000}).encode())
    token = f"e30.{claims.decode().rstrip('=')}.c2ln"
    with MockServer(binary, environment=KEY) as mock:
        sts = client(mock, service="sts", signature_version=UNSIGNED)
        role = {"RoleArn": "arn:aws:iam::123456789012:role/ci", "RoleSessionName": "interop", "DurationSeconds": 900}
        issued = sts.assume_role_with_web_identity(WebIdentityToken=token, **role)["Credentials"]
        keys = {"id": issued["AccessKeyId"], "secret": issued["SecretAccessKey"], "token": issued["SessionToken"]}
        made = client(mock, **keys).create_invalidation(DistributionId=ID, InvalidationBatch=batch("one", "/a"))
        equal(made["Invalidation"]["Status"], "InProgress")
        equal(refusal(sts.assume_role_with_web_identity, WebIdentityToken="a.b.c", **role)[0], "InvalidIdentityToken")


STORIES = [
    an_invalidation_and_its_end,
    the_distributions_page_by_page,
    refusals_have_the_vendors_codes,
    a_tenant_has_invalidations_of_its_own,
    a_role_by_an_oidc_token,
]

if __name__ == "__main__":
    tell("AWS's client", [(title(story), functools.partial(story, sys.argv[1])) for story in STORIES])
