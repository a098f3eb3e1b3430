"""Asks `cdn-purge emulate` with the vendors' own clients, as their users would, and checks every answer and refusal.

Usage: run.py BINARY (through the `run` beside it, which sets up the environment)
"""

import importlib
import json
import pathlib
import re
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from emulators import KEY, Emulate

SITE = "https://www.example.com"
TOKEN = {"ALIBABA_CLOUD_SECURITY_TOKEN": "interop-token+/=="}


class Refused(Exception):
    """The vendor's no: its code and HTTP status."""

    def __init__(self, code, status):
        super().__init__(f"{code} (HTTP {status})")
        self.code, self.status = code, status


class Current:
    """alibabacloud_cdn20180510, signing with V3 or V1."""

    def __init__(self, address, algorithm=None, key=KEY["ALIBABA_CLOUD_ACCESS_KEY_ID"], secret=KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], token=None):
        from alibabacloud_cdn20180510.client import Client
        from alibabacloud_tea_openapi.models import Config

        self.models = importlib.import_module("alibabacloud_cdn20180510.models")
        self.client = Client(
            Config(
                access_key_id=key,
                access_key_secret=secret,
                security_token=token,
                endpoint=address,
                protocol="http",
                signature_algorithm=algorithm,
            )
        )

    def call(self, action, **parameters):
        from Tea.exceptions import TeaException

        arguments = {snake(key): value for key, value in parameters.items()}
        request = getattr(self.models, f"{action}Request")(**arguments)
        try:
            response = getattr(self.client, snake(action))(request)
        except TeaException as refusal:
            raise Refused(refusal.code, getattr(refusal, "status_code", None) or refusal.statusCode) from refusal
        assert response.status_code == 200, response.status_code
        return response.body.to_map()


class Former:
    """aliyun-python-sdk-cdn, signing with V1, all parameters in the query."""

    def __init__(self, address, key=KEY["ALIBABA_CLOUD_ACCESS_KEY_ID"], secret=KEY["ALIBABA_CLOUD_ACCESS_KEY_SECRET"], token=None):
        from aliyunsdkcore.auth.credentials import StsTokenCredential
        from aliyunsdkcore.client import AcsClient

        self.address = address
        if token:
            self.client = AcsClient(region_id="cn-hangzhou", credential=StsTokenCredential(key, secret, token))
        else:
            self.client = AcsClient(key, secret, "cn-hangzhou")

    def call(self, action, **parameters):
        from aliyunsdkcore.acs_exception.exceptions import ServerException

        module = importlib.import_module(f"aliyunsdkcdn.request.v20180510.{action}Request")
        request = getattr(module, f"{action}Request")()
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


def equal(found, expected):
    assert found == expected, f"found {found!r}, expected {expected!r}"


# --- What is asked. Each takes the binary and one client's constructor.


def every_type_of_refresh(binary, connect):
    kinds = {
        "File": f"{SITE}/a b/é+%20.html\n{SITE}/*'()~!.css?x=1&y=%2B",
        "Directory": f"{SITE}/posts/",
        "Regex": f"{SITE}/posts/.*\\.png$",
        "IgnoreParams": f"{SITE}/search",
    }
    with Emulate(binary, "--task-seconds", "0") as emulate:
        client = connect(emulate.address)
        for kind, paths in kinds.items():
            answer = client.call("RefreshObjectCaches", ObjectPath=paths, ObjectType=kind, Force=kind != "File")
            assert answer["RequestId"], answer
            for task_id in answer["RefreshTaskId"].split(","):
                assert re.fullmatch(r"\d+", task_id), answer
                rows = finished(client, task_id)
                equal({row["ObjectPath"] for row in rows}, set(paths.split("\n")))
                equal({(row["Status"], row["Process"], row["Description"]) for row in rows}, {("Complete", "100%", "")})
        equal([url for _, url in emulate.ledger()], [url for paths in kinds.values() for url in paths.split("\n")])


def every_parameter_of_a_prefetch(binary, connect):
    with Emulate(binary, "--task-seconds", "0") as emulate:
        client = connect(emulate.address)
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
            # What is asked in the same second shares an id, so there may be rows of the batch before.
            equal({row["ObjectPath"] for row in rows} & set(paths), set(paths))
            equal({row["ObjectType"] for row in rows}, {"preload"})
        equal(len(emulate.ledger()), 80)


def records_with_every_filter(binary, connect):
    with Emulate(binary, "--task-seconds", "3600", "--calls-per-second", "1000") as emulate:
        client = connect(emulate.address)
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
    with Emulate(binary, "--quota", "3") as emulate:
        client = connect(emulate.address)
        quota = client.call("DescribeRefreshQuota")
        equal([int(quota[name]) for name in ("UrlQuota", "UrlRemain", "DirRemain", "RegexRemain", "PreloadRemain")], [3] * 5)
        client.call("RefreshObjectCaches", ObjectPath=f"{SITE}/1\n{SITE}/2")
        client.call("PushObjectCache", ObjectPath=f"{SITE}/1\n{SITE}/2\n{SITE}/3")
        quota = client.call("DescribeRefreshQuota")
        equal([int(quota[name]) for name in ("UrlRemain", "DirRemain", "PreloadRemain")], [1, 3, 0])
        two_more = f"{SITE}/3\n{SITE}/4"
        equal(refusal(client, "RefreshObjectCaches", ObjectPath=two_more), ("QuotaExceeded.Refresh", 400))
        equal(refusal(client, "PushObjectCache", ObjectPath=two_more), ("QuotaExceeded.Preload", 400))
        equal(len(emulate.ledger()), 5)


def what_is_malformed_is_refused_whole(binary, connect):
    with Emulate(binary) as emulate:
        client = connect(emulate.address)
        good = f"{SITE}/good"
        for code, parameters in (
            ("InvalidObjectPath.Malformed", {"ObjectPath": f"{good}\n{SITE}/{'x' * 1024}"}),
            ("InvalidObjectPath.Malformed", {"ObjectPath": f"{SITE}/no-slash", "ObjectType": "Directory"}),
            ("InvalidObjectType.ValueNotSupported", {"ObjectPath": good, "ObjectType": "Everything"}),
            ("InvalidExtensiveDomain.ValueNotSupported", {"ObjectPath": "https://*.example.com/x"}),
            ("InvalidObjectPath.ExceedsMaximum", {"ObjectPath": "\n".join(f"{SITE}/{n}" for n in range(1001))}),
            ("SingleRequest.OverLimit", {"ObjectPath": "\n".join(f"https://{n}.example.com/" for n in range(11))}),
        ):
            # The former client puts addresses into the query, where a thousand of them meet the limit of the gateway.
            if connect is Former and code == "InvalidObjectPath.ExceedsMaximum":
                continue
            equal(refusal(client, "RefreshObjectCaches", **parameters)[0], code)
        equal(refusal(client, "PushObjectCache", ObjectPath=good, WithHeader="[]")[0], "InvalidCustomHeader")
        equal(emulate.ledger(), [])


def who_is_not_let_in(binary, connect):
    with Emulate(binary, "--forbid", "PushObjectCache") as emulate:
        stranger = connect(emulate.address, key="someone-else")
        equal(refusal(stranger, "DescribeRefreshQuota")[0], "InvalidAccessKeyId.NotFound")
        forger = connect(emulate.address, secret="wrong")
        # The former client compares the server's string to sign with its own, and names the culprit itself.
        assert refusal(forger, "DescribeRefreshQuota")[0] in ("SignatureDoesNotMatch", "InvalidAccessKeySecret")
        client = connect(emulate.address)
        equal(refusal(client, "PushObjectCache", ObjectPath=f"{SITE}/x"), ("Forbidden.RAM", 403))
        client.call("DescribeRefreshQuota")
        equal(emulate.ledger(), [])


def temporary_credentials_need_their_token(binary, connect):
    with Emulate(binary, environment={**KEY, **TOKEN}) as emulate:
        holder = connect(emulate.address, token=TOKEN["ALIBABA_CLOUD_SECURITY_TOKEN"])
        holder.call("RefreshObjectCaches", ObjectPath=f"{SITE}/x")
        holder.call("PushObjectCache", ObjectPath=f"{SITE}/x")
        equal(refusal(connect(emulate.address), "DescribeRefreshQuota")[0], "MissingSecurityToken")
        other = connect(emulate.address, token="another")
        assert refusal(other, "DescribeRefreshQuota")[0].startswith("InvalidSecurityToken"), "a foreign token"
        equal(len(emulate.ledger()), 2)


def tasks_that_fail_say_why(binary, connect):
    with Emulate(binary, "--task-seconds", "0", "--fail", "broken") as emulate:
        client = connect(emulate.address)
        answer = client.call("PushObjectCache", ObjectPath=f"{SITE}/broken.html\n{SITE}/whole.html")
        rows = [row for task_id in answer["PushTaskId"].split(",") for row in finished(client, task_id)]
        states = {row["ObjectPath"]: (row["Status"], bool(row["Description"])) for row in rows}
        equal(states, {f"{SITE}/broken.html": ("Failed", True), f"{SITE}/whole.html": ("Complete", False)})


def throttling_is_understood_as_such(binary, connect):
    with Emulate(binary, "--fault", "DescribeRefreshQuota#1=throttle:2000", "--calls-per-second", "1000") as emulate:
        client = connect(emulate.address)
        assert refusal(client, "DescribeRefreshQuota")[0].startswith("Throttling"), "a fault on request"
        client.call("DescribeRefreshQuota")


STORIES = [
    every_type_of_refresh,
    every_parameter_of_a_prefetch,
    records_with_every_filter,
    the_quota_goes_down_and_then_says_no,
    what_is_malformed_is_refused_whole,
    who_is_not_let_in,
    temporary_credentials_need_their_token,
    tasks_that_fail_say_why,
    throttling_is_understood_as_such,
]


def main():
    (binary,) = sys.argv[1:]
    failed = 0
    for story in STORIES:
        for name, connect in CLIENTS.items():
            title = f"{story.__name__.replace('_', ' ')} ({name})"
            try:
                story(binary, connect)
                print(f"ok      {title}", flush=True)
            except Exception:  # whatever it is, the next story still counts
                failed += 1
                print(f"FAILED  {title}\n{traceback.format_exc()}", flush=True)
    total = len(STORIES) * len(CLIENTS)
    print(f"interop: {total - failed} of {total} passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
