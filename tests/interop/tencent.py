"""Asks `cdn-purge mock-server` with Tencent Cloud's own clients, as their users would, and checks every answer and refusal.

Usage: tencent.py BINARY (through the `run` next to it, which sets up the environment)
"""

import base64
import functools
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mock_server import MockServer
from stories import equal, tell, title
from tencentcloud.cdn.v20180606 import cdn_client, models as cdn_models
from tencentcloud.teo.v20220901 import teo_client, models as teo_models
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential, OIDCRoleArnCredential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

# Made-up credentials.
KEY = {"TENCENTCLOUD_SECRET_ID": "example-key", "TENCENTCLOUD_SECRET_KEY": "example-secret"}
TOKEN = {"TENCENTCLOUD_SECURITY_TOKEN": "interop-token+/=="}
SITE = "https://www.example.com"


class Product:
    """The client of one product."""

    def __init__(self, address, client, models, key=KEY["TENCENTCLOUD_SECRET_ID"], secret=KEY["TENCENTCLOUD_SECRET_KEY"], token=None, credential=None):
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=address))
        self.models, self.client = models, client(credential or Credential(key, secret, token), "", profile)

    def call(self, action, **parameters):
        request = getattr(self.models, f"{action}Request")()
        request.from_json_string(json.dumps(parameters))
        return json.loads(getattr(self.client, action)(request).to_json_string())


def cdn(address, **options):
    return Product(address, cdn_client.CdnClient, cdn_models, **options)


def edgeone(address, **options):
    return Product(address, teo_client.TeoClient, teo_models, **options)


def refusal(call, *arguments, **parameters):
    """The code of a call that must be refused."""
    try:
        answer = call(*arguments, **parameters)
    except TencentCloudSDKException as refused:
        return refused.get_code()
    raise AssertionError(f"this should be refused and said {answer}")


def finished(product, action, rows_in, running, **query):
    """The rows of a task once none of them is under way."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rows = product.call(action, **query)[rows_in]
        if rows and all(row["Status"] != running for row in rows):
            return rows
        time.sleep(0.2)
    raise AssertionError(f"the task of {query} doesn't end")


# --- The tests. Each takes the binary.


def every_purge_and_prefetch_of_the_cdn_and_its_tasks(binary):
    urls = [f"{SITE}/a%20b/é.html", f"{SITE}/x.css?x=1&y=%2B"]
    with MockServer(binary, "--task-seconds", "0", "--fail", "broken", environment=KEY) as mock:
        product = cdn(mock.address)
        task = product.call("PurgeUrlsCache", Urls=urls, Area="mainland", UrlEncode=False)["TaskId"]
        rows = finished(product, "DescribePurgeTasks", "PurgeLogs", "process", TaskId=task)
        equal({(row["Url"], row["Status"], row["PurgeType"]) for row in rows}, {(url, "done", "url") for url in urls})
        for flush in ("flush", "delete"):
            task = product.call("PurgePathCache", Paths=[f"{SITE}/{flush}/"], FlushType=flush)["TaskId"]
            rows = finished(product, "DescribePurgeTasks", "PurgeLogs", "process", TaskId=task, Offset=0, Limit=20)
            equal([(row["Url"], row["PurgeType"]) for row in rows], [(f"{SITE}/{flush}/", "path")])
        pushed = [f"{SITE}/7", f"{SITE}/broken"]
        task = product.call("PushUrlsCache", Urls=pushed, Area="global", Headers=[{"Name": "X-Warm", "Value": "1"}])["TaskId"]
        rows = finished(product, "DescribePushTasks", "PushLogs", "process", TaskId=task)
        equal({(row["Url"], row["Status"], row["Percent"]) for row in rows}, {(pushed[0], "done", 100), (pushed[1], "invalid", 100)})
        equal(len(mock.ledger()), 6)


def the_lists_of_the_cdn_by_url_kind_and_page(binary):
    with MockServer(binary, "--task-seconds", "3600", environment=KEY) as mock:
        product = cdn(mock.address)
        product.call("PurgeUrlsCache", Urls=[f"{SITE}/{number}" for number in range(45)])
        product.call("PurgePathCache", Paths=[f"{SITE}/posts/"], FlushType="delete")
        now = time.time()
        local = lambda moment: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment + 8 * 3600))
        times = {"StartTime": local(now - 3600), "EndTime": local(now + 3600)}
        pages = [product.call("DescribePurgeTasks", Offset=offset, Limit=20, **times) for offset in (0, 20, 40)]
        equal(([len(page["PurgeLogs"]) for page in pages], pages[0]["TotalCount"]), ([20, 20, 6], 46))
        equal(product.call("DescribePurgeTasks", Keyword=f"{SITE}/7", **times)["TotalCount"], 1)
        equal(product.call("DescribePurgeTasks", Keyword="www.example.com", Status="process", **times)["TotalCount"], 46)
        equal(product.call("DescribePurgeTasks", PurgeType="path", **times)["PurgeLogs"][0]["Url"], f"{SITE}/posts/")
        equal(product.call("DescribePushTasks", **times)["TotalCount"], 0)
        equal(refusal(product.call, "DescribePurgeTasks"), "InvalidParameter.CdnParamError")


def the_quota_and_the_domains_of_the_cdn(binary):
    with MockServer(binary, environment=KEY) as mock:
        product = cdn(mock.address)
        product.call("PushUrlsCache", Urls=[f"{SITE}/{number}" for number in range(3)])
        left = {row["Area"]: (row["Total"], row["Available"]) for row in product.call("DescribePushQuota")["UrlPush"]}
        equal(left, {"mainland": (1000, 997), "overseas": (1000, 997)})
        quota = product.call("DescribePurgeQuota")
        equal((quota["UrlPurge"][0]["Available"], quota["PathPurge"][0]["Total"]), (10_000, 100))
        names = [row["Domain"] for row in product.call("DescribeDomains")["Domains"]]
        assert "www.example.com" in names, names


def refusals_have_the_vendors_codes(binary):
    with MockServer(binary, "--refuse", "foreign", "--forbid", "PurgePathCache", environment={**KEY, **TOKEN}) as mock:
        product = cdn(mock.address, token=TOKEN["TENCENTCLOUD_SECURITY_TOKEN"])
        purge = functools.partial(product.call, "PurgeUrlsCache")
        purge(Urls=[f"{SITE}/"])
        equal(refusal(purge, Urls=[f"{SITE}/*"]), "InvalidParameter.CdnPurgeWildcardNotAllowed")
        equal(refusal(purge, Urls=["https://foreign.example.com/"]), "UnauthorizedOperation.CdnHostUnauthorized")
        equal(refusal(purge, Urls=[f"{SITE}/{n}" for n in range(1001)]), "LimitExceeded.CdnPurgeUrlExceedBatchLimit")
        forbidden = refusal(product.call, "PurgePathCache", Paths=[f"{SITE}/a/"], FlushType="flush")
        equal(forbidden, "UnauthorizedOperation.CdnCamUnauthorized")
        for wrong, code in (
            ({"secret": "wrong", "token": "interop-token+/=="}, "AuthFailure.SignatureFailure"),
            ({"key": "nobody"}, "AuthFailure.SecretIdNotFound"),
            ({"token": "other"}, "AuthFailure.TokenFailure"),
        ):
            equal(refusal(cdn(mock.address, **wrong).call, "PurgeUrlsCache", Urls=[f"{SITE}/"]), code)
        equal(mock.ledger(), [("refresh", f"{SITE}/")])


def a_role_by_an_oidc_token(binary):
    claims = base64.urlsafe_b64encode(json.dumps({"aud": "sts.tencentcloudapi.com", "exp": 4_000_000_000}).encode())
    token = f"e30.{claims.decode().rstrip('=')}.c2ln"
    with MockServer(binary, environment=KEY) as mock:
        # The client's own provider of these credentials knows no scheme but https: its request, by its library.
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=mock.address))
        client = CommonClient("sts", OIDCRoleArnCredential._version, Credential("unused", "unused"), "ap-guangzhou", profile)
        role = {"ProviderId": "gitlab", "WebIdentityToken": token, "RoleArn": "qcs::cam::uin/1:roleName/ci"}
        role |= {"RoleSessionName": "interop", "DurationSeconds": 900}
        answer = client.call_json(OIDCRoleArnCredential._action, role, options={"SkipSign": True})["Response"]
        issued = answer["Credentials"]
        assert 0 < answer["ExpiredTime"] - time.time() <= 900, answer
        temporary = {"key": issued["TmpSecretId"], "secret": issued["TmpSecretKey"], "token": issued["Token"]}
        assert cdn(mock.address, **temporary).call("PurgeUrlsCache", Urls=[f"{SITE}/"])["TaskId"].isdigit()


def every_purge_and_prefetch_of_edgeone_in_its_zone(binary):
    with MockServer(binary, "--task-seconds", "0", environment=KEY) as mock:
        product = edgeone(mock.address)
        zones = {zone["ZoneName"]: zone["ZoneId"] for zone in product.call("DescribeZones", Limit=100)["Zones"]}
        zone = {"ZoneId": zones["example.com"]}
        for kind, more in (
            ("purge_url", {"Targets": [f"{SITE}/1"]}),
            ("purge_prefix", {"Targets": [f"{SITE}/a/"], "Method": "invalidate"}),
            ("purge_host", {"Targets": ["www.example.com"], "Method": "delete"}),
            ("purge_cache_tag", {"Targets": ["tag-1"], "CacheTag": {"Domains": ["www.example.com"]}}),
            ("purge_all", {"Method": "invalidate"}),
        ):
            job = product.call("CreatePurgeTask", Type=kind, **zone, **more)["JobId"]
            ours = [{"Name": "job-id", "Values": [job]}]
            rows = finished(product, "DescribePurgeTasks", "Tasks", "processing", Filters=ours, **zone)
            equal([(row["Type"], row["Target"], row["Status"]) for row in rows], [(kind, more.get("Targets", [""])[0], "success")])
        job = product.call("CreatePrefetchTask", Targets=[f"{SITE}/1"], Headers=[{"Name": "X-Warm", "Value": "1"}], **zone)["JobId"]
        ours = [{"Name": "job-id", "Values": [job]}]
        equal(len(finished(product, "DescribePrefetchTasks", "Tasks", "processing", Filters=ours, **zone)), 1)
        quota = product.call("DescribeContentQuota", **zone)
        equal([row["DailyAvailable"] for row in quota["PrefetchQuota"]], [9_999])
        part = product.call("CreatePurgeTask", Type="purge_url", Targets=[f"{SITE}/2", "https://elsewhere.test/"], **zone)
        equal((bool(part["JobId"]), part["FailedList"][0]["Targets"]), (True, ["https://elsewhere.test/"]))
        equal(refusal(product.call, "DescribeContentQuota", ZoneId="zone-other"), "InvalidParameter.ZoneNotFound")
        equal(len(mock.ledger()), 7)


STORIES = [
    every_purge_and_prefetch_of_edgeone_in_its_zone,
    every_purge_and_prefetch_of_the_cdn_and_its_tasks,
    the_lists_of_the_cdn_by_url_kind_and_page,
    the_quota_and_the_domains_of_the_cdn,
    refusals_have_the_vendors_codes,
    a_role_by_an_oidc_token,
]

if __name__ == "__main__":
    tell("Tencent Cloud's clients", [(title(story), functools.partial(story, sys.argv[1])) for story in STORIES])
