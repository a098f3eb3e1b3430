"""Asks `cdn-purge mock-server` with the vendors' own clients, as their users would, and checks every answer and refusal.

Usage: run.py BINARY (through the `run` next to it, which sets up the environment)
"""

import base64
import functools
import importlib
import json
import pathlib
import re
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mock_server import KEY, MockServer
from stories import equal, tell, title

SITE = "https://www.example.com"
TOKEN = {"ALIBABA_CLOUD_SECURITY_TOKEN": "interop-token+/=="}


class Refused(Exception):
    """The vendor's no: its code and HTTP status."""

    def __init__(self, code, status):
        super().__init__(f"{code} (HTTP {status})")
        self.code, self.status = code, status


def product(action):
    """Whose call it is: each product has a client of its own."""
    marks = {"Dcdn": "dcdn", "Vod": "vod", "AssumeRole": "sts"}
    return next((name for mark, name in marks.items() if mark in action), "cdn")


class Current:
    """alibabacloud_cdn20180510 and its siblings, signing with V3 or V1."""

    PACKAGES = {"cdn": "alibabacloud_cdn20180510", "dcdn": "alibabacloud_dcdn20180115", "vod": "alibabacloud_vod20170321", "sts": "alibabacloud_sts20150401"}

    def __init__(self, address, algorithm=None, key=KEY["ALIBABA_CLOUD_ACCESS_KEY_ID"], secret=KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], token=None):
        from alibabacloud_tea_openapi.models import Config

        self.config = Config(
            access_key_id=key,
            access_key_secret=secret,
            security_token=token,
            endpoint=address,
            protocol="http",
            region_id="cn-shanghai",
            signature_algorithm=algorithm,
        )
        self.clients = {}

    def client(self, name):
        package = self.PACKAGES[name]
        models = importlib.import_module(f"{package}.models")
        if name not in self.clients:
            self.clients[name] = importlib.import_module(f"{package}.client").Client(self.config)
        return self.clients[name], models

    def call(self, action, **parameters):
        from Tea.exceptions import TeaException

        client, models = self.client(product(action))
        arguments = {snake(key): value for key, value in parameters.items()}
        request = getattr(models, f"{action}Request")(**arguments)
        try:
            response = getattr(client, snake(action))(request)
        except TeaException as refusal:
            raise Refused(refusal.code, getattr(refusal, "status_code", None) or refusal.statusCode) from refusal
        assert response.status_code == 200, response.status_code
        return response.body.to_map()


class Former:
    """aliyun-python-sdk-cdn and its siblings, signing with V1, all parameters in the query."""

    VERSIONS = {"cdn": "2018-05-10", "dcdn": "2018-01-15", "vod": "2017-03-21", "sts": "2015-04-01"}

    def __init__(self, address, key=KEY["ALIBABA_CLOUD_ACCESS_KEY_ID"], secret=KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], token=None):
        from aliyunsdkcore.auth.credentials import StsTokenCredential
        from aliyunsdkcore.client import AcsClient

        self.address = address
        if token:
            self.client = AcsClient(region_id="cn-hangzhou", credential=StsTokenCredential(key, secret, token))
        else:
            self.client = AcsClient(key, secret, "cn-hangzhou")

    def request(self, action):
        from aliyunsdkcore.request import RpcRequest

        name, version = product(action), self.VERSIONS[product(action)]
        try:
            folder = f"aliyunsdk{name}.request.v{version.replace('-', '')}"
            module = importlib.import_module(f"{folder}.{action}Request")
        except ModuleNotFoundError:
            # Younger than this client: sent as it would be.
            request = RpcRequest(name, version, action)
            request.set_method("POST")
            return request
        return getattr(module, f"{action}Request")()

    def call(self, action, **parameters):
        from aliyunsdkcore.acs_exception.exceptions import ServerException

        request = self.request(action)
        request.set_endpoint(self.address)
        request.set_protocol_type("http")
        request.set_accept_format("json")
        for key, value in parameters.items():
            setter = getattr(request, f"set_{key}", None)
            # Younger than this client: sent as it would be.
            setter(value) if setter else request.add_query_param(key, value)
        try:
            return json.loads(self.client.do_action_with_exception(request))
        except ServerException as refusal:
            raise Refused(refusal.get_error_code(), refusal.get_http_status()) from refusal


CLIENTS = {
    "current, V3": Current,
    "current, V1": lambda address, **keys: Current(address, "v2", **keys),
    "former, V1": Former,
}


def snake(name):
    """As the generator of the current client spells it: `L2Preload` is `l_2preload`."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return re.sub(r"^([a-z])([0-9])_?", r"\1_\2", name)


def refusal(client, action, **parameters):
    """The code and status of a call that must be refused."""
    try:
        answer = client.call(action, **parameters)
    except Refused as refused:
        return refused.code, refused.status
    raise AssertionError(f"{action} should be refused and said {answer}")


def finished(client, task_id):
    """The rows of a task once none of them is under way."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rows = client.call("DescribeRefreshTaskById", TaskId=task_id)["Tasks"]
        if rows and all(row["Status"] in ("Complete", "Failed") for row in rows):
            return rows
        time.sleep(0.2)
    raise AssertionError(f"task {task_id} doesn't end")


# --- The tests. Each takes the binary and one client's constructor.


def every_type_of_refresh(binary, connect):
    kinds = {
        "File": f"{SITE}/a b/é+%20.html\n{SITE}/*'()~!.css?x=1&y=%2B",
        "Directory": f"{SITE}/posts/",
        "Regex": f"{SITE}/posts/.*\\.png$",
        "IgnoreParams": f"{SITE}/search",
    }
    with MockServer(binary, "--task-seconds", "0") as mock:
        client = connect(mock.address)
        for kind, paths in kinds.items():
            answer = client.call("RefreshObjectCaches", ObjectPath=paths, ObjectType=kind, Force=kind != "File")
            assert answer["RequestId"], answer
            for task_id in answer["RefreshTaskId"].split(","):
                assert re.fullmatch(r"\d+", task_id), answer
                rows = finished(client, task_id)
                equal({row["ObjectPath"] for row in rows}, set(paths.split("\n")))
                equal({(row["Status"], row["Process"], row["Description"]) for row in rows}, {("Complete", "100%", "")})
        equal([url for _, url in mock.ledger()], [url for paths in kinds.values() for url in paths.split("\n")])


def every_parameter_of_a_prefetch(binary, connect):
    with MockServer(binary, "--task-seconds", "0") as mock:
        client = connect(mock.address)
        for batch, parameters in enumerate(
            (
                {},
                {"Area": "domestic", "L2Preload": True},
                {"Area": "overseas", "QueryHashkey": True, "ConsistencyHash": False},
                {"WithHeader": json.dumps({"Accept-Encoding": ["gzip", "br"]})},
            )
        ):
            paths = [f"{SITE}/{batch}/page-{number}.html" for number in range(20)]
            answer = client.call("PushObjectCache", ObjectPath="\r\n".join(paths), **parameters)
            rows = [row for task_id in answer["PushTaskId"].split(",") for row in finished(client, task_id)]
            # Requests in the same second share an id, so there may be rows of the batch before.
            equal({row["ObjectPath"] for row in rows} & set(paths), set(paths))
            equal({row["ObjectType"] for row in rows}, {"preload"})
        equal(len(mock.ledger()), 80)


def records_with_every_filter(binary, connect):
    with MockServer(binary, "--task-seconds", "3600", "--calls-per-second", "1000") as mock:
        client = connect(mock.address)
        urls = [f"{SITE}/{number}.html" for number in range(45)]
        task_id = client.call("RefreshObjectCaches", ObjectPath="\n".join(urls))["RefreshTaskId"]
        client.call("PushObjectCache", ObjectPath="https://img.example.com/a.png")

        def rows(**parameters):
            answer = client.call("DescribeRefreshTasks", **parameters)
            return answer["Tasks"].get("CDNTask", []), answer

        listed, answer = rows()
        equal((len(listed), answer["PageNumber"], answer["PageSize"], answer["TotalCount"]), (20, 1, 20, 46))
        seen = []
        for page in (1, 2, 3):
            seen += [row["ObjectPath"] for row in rows(TaskId=task_id, PageNumber=page, PageSize=20)[0]]
        equal(sorted(seen), sorted(urls))
        listed, _ = rows(ObjectPath=urls[7])
        equal([(row["TaskId"], row["Status"]) for row in listed], [(task_id, "Refreshing")])
        equal(len(rows(ObjectType="preload")[0]), 1)
        equal(len(rows(ObjectType="file", DomainName="img.example.com")[0]), 0)
        equal(len(rows(ObjectType="file", Status="Refreshing", PageSize=100)[0]), 45)
        equal(len(rows(ObjectType="file", Status="Complete")[0]), 0)
        hour = lambda hours: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600 * hours))
        equal(len(rows(StartTime=hour(-1), EndTime=hour(1), PageSize=100)[0]), 46)
        equal(len(rows(StartTime=hour(-2), EndTime=hour(-1))[0]), 0)

        equal(refusal(client, "DescribeRefreshTasks", Status="Failed")[0], "MissingParameter.ObjectType")
        equal(refusal(client, "DescribeRefreshTasks", StartTime=hour(-1))[0], "MissingTimeParameter")
        equal(refusal(client, "DescribeRefreshTasks", StartTime=hour(-96), EndTime=hour(0))[0], "InvalidTime")
        equal(refusal(client, "DescribeRefreshTasks", TaskId="x")[0], "InvalidTaskId.Malformed")
        eleven = ",".join(str(int(task_id) + more) for more in range(11))
        equal(refusal(client, "DescribeRefreshTaskById", TaskId=eleven)[0], "InvalidTaskId.Malformed")
        equal(client.call("DescribeRefreshTaskById", TaskId="1")["Tasks"], [])


def the_quota_goes_down_and_then_says_no(binary, connect):
    with MockServer(binary, "--quota", "3") as mock:
        client = connect(mock.address)
        quota = client.call("DescribeRefreshQuota")
        equal([int(quota[name]) for name in ("UrlQuota", "UrlRemain", "DirRemain", "RegexRemain", "PreloadRemain")], [3] * 5)
        client.call("RefreshObjectCaches", ObjectPath=f"{SITE}/1\n{SITE}/2")
        client.call("PushObjectCache", ObjectPath=f"{SITE}/1\n{SITE}/2\n{SITE}/3")
        quota = client.call("DescribeRefreshQuota")
        equal([int(quota[name]) for name in ("UrlRemain", "DirRemain", "PreloadRemain")], [1, 3, 0])
        two_more = f"{SITE}/3\n{SITE}/4"
        equal(refusal(client, "RefreshObjectCaches", ObjectPath=two_more), ("QuotaExceeded.Refresh", 400))
        equal(refusal(client, "PushObjectCache", ObjectPath=two_more), ("QuotaExceeded.Preload", 400))
        equal(len(mock.ledger()), 5)


def what_is_malformed_is_refused_whole(binary, connect):
    with MockServer(binary) as mock:
        client = connect(mock.address)
        good = f"{SITE}/good"
        for code, parameters in (
            ("InvalidObjectPath.Malformed", {"ObjectPath": f"{good}\n{SITE}/{'x' * 1024}"}),
            ("InvalidObjectPath.Malformed", {"ObjectPath": f"{SITE}/no-slash", "ObjectType": "Directory"}),
            ("InvalidObjectType.ValueNotSupported", {"ObjectPath": good, "ObjectType": "Everything"}),
            ("InvalidExtensiveDomain.ValueNotSupported", {"ObjectPath": "https://*.example.com/x"}),
            ("InvalidObjectPath.ExceedsMaximum", {"ObjectPath": "\n".join(f"{SITE}/{n}" for n in range(1001))}),
            ("SingleRequest.OverLimit", {"ObjectPath": "\n".join(f"https://{n}.example.com/" for n in range(11))}),
        ):
            # The former client puts URLs into the query, where a thousand of them meet the limit of the gateway.
            if connect is Former and code == "InvalidObjectPath.ExceedsMaximum":
                continue
            equal(refusal(client, "RefreshObjectCaches", **parameters)[0], code)
        equal(refusal(client, "PushObjectCache", ObjectPath=good, WithHeader="[]")[0], "InvalidCustomHeader")
        equal(mock.ledger(), [])


def who_is_not_let_in(binary, connect):
    with MockServer(binary, "--forbid", "PushObjectCache") as mock:
        stranger = connect(mock.address, key="someone-else")
        equal(refusal(stranger, "DescribeRefreshQuota")[0], "InvalidAccessKeyId.NotFound")
        forger = connect(mock.address, secret="wrong")
        # The former client compares the server's string to sign with its own, and names the culprit itself.
        assert refusal(forger, "DescribeRefreshQuota")[0] in ("SignatureDoesNotMatch", "InvalidAccessKeySecret")
        client = connect(mock.address)
        equal(refusal(client, "PushObjectCache", ObjectPath=f"{SITE}/x"), ("Forbidden.RAM", 403))
        client.call("DescribeRefreshQuota")
        equal(mock.ledger(), [])


def temporary_credentials_need_their_token(binary, connect):
    with MockServer(binary, environment={**KEY, **TOKEN}) as mock:
        holder = connect(mock.address, token=TOKEN["ALIBABA_CLOUD_SECURITY_TOKEN"])
        holder.call("RefreshObjectCaches", ObjectPath=f"{SITE}/x")
        holder.call("PushObjectCache", ObjectPath=f"{SITE}/x")
        equal(refusal(connect(mock.address), "DescribeRefreshQuota")[0], "MissingSecurityToken")
        other = connect(mock.address, token="another")
        assert refusal(other, "DescribeRefreshQuota")[0].startswith("InvalidSecurityToken"), "a foreign token"
        equal(len(mock.ledger()), 2)


def a_role_gives_keys_that_every_product_takes(binary, connect):
    role = {"RoleArn": "acs:ram::1234567890123456:role/cdn", "RoleSessionName": "interop"}
    provider = "acs:ram::1234567890123456:oidc-provider/ci"
    with MockServer(binary) as mock:
        client = connect(mock.address)
        by_key = client.call("AssumeRole", **role, DurationSeconds=900)
        by_token = client.call("AssumeRoleWithOIDC", **role, OIDCProviderArn=provider, OIDCToken=oidc_token(60))
        for answer in (by_key, by_token):
            keys = answer["Credentials"]
            holder = connect(
                mock.address, key=keys["AccessKeyId"], secret=keys["AccessKeySecret"], token=keys["SecurityToken"]
            )
            holder.call("RefreshObjectCaches", ObjectPath=f"{SITE}/x")
            holder.call("PreloadDcdnObjectCaches", ObjectPath=f"{SITE}/x")
            holder.call("RefreshVodObjectCaches", ObjectPath=f"{SITE}/x")
        equal(len(mock.ledger()), 6)
        late = refusal(client, "AssumeRoleWithOIDC", **role, OIDCProviderArn=provider, OIDCToken=oidc_token(-60))
        equal(late[0], "AuthenticationFail.OIDCToken.Expired")
        equal(refusal(client, "AssumeRole", **{**role, "RoleArn": "cdn"})[0], "InvalidParameter.RoleArn")


def oidc_token(seconds):
    """A token that ends in so many seconds, as far as one can see without the issuer's keys."""
    claims = {"aud": "sts.aliyuncs.com", "exp": int(time.time()) + seconds}
    parts = (json.dumps({"alg": "RS256"}), json.dumps(claims), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def tasks_that_fail_say_why(binary, connect):
    with MockServer(binary, "--task-seconds", "0", "--fail", "broken") as mock:
        client = connect(mock.address)
        answer = client.call("PushObjectCache", ObjectPath=f"{SITE}/broken.html\n{SITE}/whole.html")
        rows = [row for task_id in answer["PushTaskId"].split(",") for row in finished(client, task_id)]
        states = {row["ObjectPath"]: (row["Status"], bool(row["Description"])) for row in rows}
        equal(states, {f"{SITE}/broken.html": ("Failed", True), f"{SITE}/whole.html": ("Complete", False)})


def throttling_is_understood_as_such(binary, connect):
    with MockServer(binary, "--fault", "DescribeRefreshQuota#1=throttle:2000", "--calls-per-second", "1000") as mock:
        client = connect(mock.address)
        assert refusal(client, "DescribeRefreshQuota")[0].startswith("Throttling"), "a fault on request"
        client.call("DescribeRefreshQuota")


SIBLINGS = {
    "Dcdn": {"rows": "Task", "by_id": "DescribeDcdnRefreshTaskById"},
    "Vod": {"rows": "Task", "by_id": None},
}


def every_operation_of_dcdn_and_vod(binary, connect):
    for name, sibling in SIBLINGS.items():
        with MockServer(binary, "--task-seconds", "0", "--calls-per-second", "1000") as mock:
            client = connect(mock.address)
            listed = lambda **parameters: client.call(f"Describe{name}RefreshTasks", **parameters)
            kinds = {"File": "a b/é.html", "Directory": "posts/", "Regex": "posts/.*", "IgnoreParams": "search"}
            for kind, path in kinds.items():
                answer = client.call(f"Refresh{name}ObjectCaches", ObjectPath=f"{SITE}/{path}", ObjectType=kind, Force=kind != "File")
                rows = listed(TaskId=answer["RefreshTaskId"])["Tasks"][sibling["rows"]]
                equal([(row["ObjectPath"], row["Status"]) for row in rows], [(f"{SITE}/{path}", "Complete")])
            pages = [f"{SITE}/{number}.html" for number in range(60)]
            answer = client.call(f"Preload{name}ObjectCaches", ObjectPath="\n".join(pages), Area="overseas", L2Preload=True)
            task_id = answer["PreloadTaskId"]
            seen = []
            for page in (1, 2):
                answer = listed(TaskId=task_id, PageNumber=page, PageSize=50)
                equal(answer["TotalCount"], 60)
                seen += [row["ObjectPath"] for row in answer["Tasks"][sibling["rows"]]]
            equal(sorted(seen), sorted(pages))
            if sibling["by_id"]:
                equal(len(client.call(sibling["by_id"], TaskId=task_id)["Tasks"]), 60)
            answer = listed(DomainName="www.example.com", ObjectType="preload", Status="Complete", PageSize=50)
            equal(answer["TotalCount"], 60)
            equal(listed(ObjectPath=pages[7])["TotalCount"], 1)
            hour = lambda hours: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600 * hours))
            equal(listed(StartTime=hour(-1), EndTime=hour(1))["TotalCount"], 64)
            equal(listed(StartTime=hour(-3), EndTime=hour(-2))["TotalCount"], 0)
            equal(refusal(client, f"Describe{name}RefreshTasks", DomainName="www.example.com")[0], "MissingParameter.ObjectType")
            equal(refusal(client, f"Describe{name}RefreshTasks", PageSize=100)[0], "InvalidParameter")
            quota = client.call(f"Describe{name}RefreshQuota")
            limit = {"Dcdn": (10_000, 1_000), "Vod": (2_000, 500)}[name]
            equal(tuple(int(quota[field]) for field in ("UrlQuota", "PreloadQuota")), limit)
            equal(int(quota["PreloadRemain"]), limit[1] - 60)
            equal(len(mock.ledger()), 64)


def tags_are_refreshed_at_their_domain(binary, connect):
    with MockServer(binary, "--task-seconds", "0") as mock:
        client = connect(mock.address)
        answer = client.call("RefreshObjectCacheByCacheTag", DomainName="www.example.com", CacheTag="a/b,c", Force=True)
        equal(len([row for task_id in answer["RefreshTaskId"].split(",") for row in finished(client, task_id)]), 2)
        answer = client.call("RefreshDcdnObjectCacheByCacheTag", DomainName="www.example.com", CacheTag="d")
        equal(len(client.call("DescribeDcdnRefreshTaskById", TaskId=answer["RefreshTaskId"])["Tasks"]), 1)
        equal([url for _, url in mock.ledger()], [f"{SITE}/#a%2Fb", f"{SITE}/#c", f"{SITE}/#d"])
        equal(refusal(client, "RefreshObjectCacheByCacheTag", DomainName="nowhere", CacheTag="a")[0], "InvalidDomain.NotFound")


def traffic_and_bandwidth_are_told_in_points(binary, connect):
    hour = lambda hours: time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() + 3600 * hours))
    calls = {
        "DescribeDomainTrafficData": "TrafficDataPerInterval",
        "DescribeDomainBpsData": "BpsDataPerInterval",
        "DescribeVodDomainTrafficData": "TrafficDataPerInterval",
        "DescribeVodDomainBpsData": "BpsDataPerInterval",
    }
    with MockServer(binary, "--calls-per-second", "1000") as mock:
        client = connect(mock.address)
        for action, field in calls.items():
            answer = client.call(action, DomainName="www.example.com", StartTime=hour(-24), EndTime=hour(0), Interval="3600")
            rows = answer[field]["DataModule"]
            equal((len(rows), answer["DataInterval"], rows[0]["TimeStamp"]), (24, "3600", hour(-24)))
            assert all(float(row["Value"]) > 0 for row in rows), rows
            equal(len(client.call(action)[field]["DataModule"]) in (288, 289), True)
            equal(refusal(client, action, StartTime=hour(-24))[0], "MissingTimeParameter")
            equal(refusal(client, action, StartTime=hour(-24 * 5), EndTime=hour(0), Interval="300")[0], "InvalidTime")


def logs_are_listed_and_fetched(binary, connect):
    with MockServer(binary, "--calls-per-second", "1000") as mock:
        client = connect(mock.address)
        for action, page in (("DescribeCdnDomainLogs", "PageIndex"), ("DescribeVodDomainLog", "PageNumber")):
            answer = client.call(action, DomainName="www.example.com", PageSize=10, PageNumber=2)
            (detail,) = answer["DomainLogDetails"]["DomainLogDetail"]
            equal((detail["PageInfos"][page], detail["PageInfos"]["Total"]), (2, 24))
            files = detail["LogInfos"]["LogInfoDetail"]
            equal(len(files), 10)
            with urllib.request.urlopen(f"http://{files[0]['LogPath']}") as log:
                equal(len(log.read()), files[0]["LogSize"])


def domains_are_those_that_were_asked_for(binary, connect):
    with MockServer(binary) as mock:
        client = connect(mock.address)
        client.call("RefreshObjectCaches", ObjectPath="https://a.example.com/\nhttps://b.example.com/")
        answer = client.call("DescribeUserDomains", PageSize=1, PageNumber=2)
        equal((answer["TotalCount"], answer["Domains"]["PageData"][0]["DomainName"]), (2, "b.example.com"))
        answer = client.call("DescribeUserDomains", DomainName="a.", DomainSearchType="fuzzy_match")
        equal([row["DomainStatus"] for row in answer["Domains"]["PageData"]], ["online"])


STORIES = [
    every_type_of_refresh,
    every_parameter_of_a_prefetch,
    records_with_every_filter,
    the_quota_goes_down_and_then_says_no,
    what_is_malformed_is_refused_whole,
    who_is_not_let_in,
    temporary_credentials_need_their_token,
    a_role_gives_keys_that_every_product_takes,
    tasks_that_fail_say_why,
    throttling_is_understood_as_such,
    every_operation_of_dcdn_and_vod,
    tags_are_refreshed_at_their_domain,
    traffic_and_bandwidth_are_told_in_points,
    logs_are_listed_and_fetched,
    domains_are_those_that_were_asked_for,
]


def main():
    (binary,) = sys.argv[1:]
    tell("interop", [
        (f"{title(story)} ({name})", functools.partial(story, binary, connect))
        for story in STORIES
        for name, connect in CLIENTS.items()
    ])


if __name__ == "__main__":
    main()
