"""Asks `cdn-purge mock-server` with Huawei Cloud's own client, as its users would, and checks every answer and refusal.

Usage: huawei.py BINARY (through the `run` next to it, which sets up the environment)
"""

import functools
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mock_server import MockServer
from stories import equal, tell, title
from huaweicloudsdkcdn import v1, v2
from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException

# Made-up credentials.
KEY = {"HUAWEICLOUD_SDK_AK": "example-key", "HUAWEICLOUD_SDK_SK": "example-secret"}
TOKEN = {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "interop-token+/=="}
SITE = "https://www.example.com"
DAY = 86_400_000
GENERATIONS = {"v2": (v2, v2.CdnClient), "v1": (v1, v1.CdnClient)}


class Cdn:
    """The client of one generation; both ask the same paths."""

    def __init__(self, address, generation, key=KEY["HUAWEICLOUD_SDK_AK"], secret=KEY["HUAWEICLOUD_SDK_SK"], token=None, account=None):
        self.models, client = GENERATIONS[generation]
        credentials = GlobalCredentials(key, secret, account)
        if token:
            credentials = credentials.with_security_token(token)
        self.client = client.new_builder().with_credentials(credentials).with_endpoint(f"http://{address}").build()

    def call(self, name, request, **parameters):
        return getattr(self.client, name)(getattr(self.models, request)(**parameters)).to_dict()

    def refresh(self, urls, project=None, **options):
        body = self.models.RefreshTaskRequest(refresh_task=self.models.RefreshTaskRequestBody(urls=urls, **options))
        return self.call("create_refresh_tasks", "CreateRefreshTasksRequest", body=body, enterprise_project_id=project).get("refresh_task")

    def prefetch(self, urls, project=None, **options):
        body = self.models.PreheatingTaskRequest(preheating_task=self.models.PreheatingTaskRequestBody(urls=urls, **options))
        answer = self.call("create_preheating_tasks", "CreatePreheatingTasksRequest", body=body, enterprise_project_id=project)
        return answer.get("preheating_task")

    def detail(self, task, **parameters):
        return self.call("show_history_task_details", "ShowHistoryTaskDetailsRequest", history_tasks_id=task, **parameters)

    def tasks(self, **parameters):
        return self.call("show_history_tasks", "ShowHistoryTasksRequest", **parameters)

    def records(self, **parameters):
        return self.call("show_url_task_info", "ShowUrlTaskInfoRequest", **parameters)

    def quota(self):
        quotas = self.call("show_quota", "ShowQuotaRequest")["quotas"]
        return {quota["type"]: quota["quota_limit"] - quota["used"] for quota in quotas}


def refusal(call, *arguments, **parameters):
    """The code and status of a call that must be refused."""
    try:
        answer = call(*arguments, **parameters)
    except (ClientRequestException, ServerResponseException) as refused:
        return refused.error_code, refused.status_code
    raise AssertionError(f"this should be refused and said {answer}")


def finished(cdn, task):
    """The rows of a task once it is done."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = cdn.detail(task, page_size=1000, page_number=1)
        if answer.get("status") == "task_done" and answer["processing"] == 0:
            return answer["urls"]
        time.sleep(0.2)
    raise AssertionError(f"task {task} doesn't end")


# --- The tests. Each takes the binary and a generation of the client.


def every_refresh_and_its_details(binary, generation):
    files = [f"{SITE}/a b/é+%20.html", f"{SITE}/*'()~!.css?x=1&y=%2B", f"{SITE}/图.png"]
    with MockServer(binary, "--task-seconds", "0", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation, account="d0000000000000000000000000000001")
        for urls, options in (
            (files, {}),
            (files, {"type": "file", "zh_url_encode": True, "project": "00000000-1111-2222-3333-444444444444"}),
            ([f"{SITE}/posts/"], {"type": "directory", "mode": "detect_modify_refresh"}),
        ):
            task = cdn.refresh(urls, **options)
            assert task.isdigit(), task
            rows = finished(cdn, task)
            equal([row["url"] for row in rows], urls)
            equal({(row["status"], row["task_type"], row["task_id"]) for row in rows}, {("succeed", "REFRESH", task)})
        equal([url for _, url in mock.ledger()], files + files + [f"{SITE}/posts/"])


def a_prefetch_of_a_thousand_addresses_by_page(binary, generation):
    urls = [f"{SITE}/{number}.html" for number in range(1000)]
    with MockServer(binary, "--task-seconds", "3600", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        task = cdn.prefetch(urls, zh_url_encode=False, project="all")
        seen = []
        for page in range(1, 5):
            answer = cdn.detail(task, page_size=300, page_number=page, enterprise_project_id="all")
            seen += [row["url"] for row in answer["urls"]]
        equal(seen, urls)
        equal((answer["status"], answer["processing"], answer["total"]), ("task_inprocess", 1000, 1000))
        answer = cdn.detail(task, url=urls[7], status="waiting")
        equal([(row["url"], row["task_type"]) for row in answer["urls"]], [(urls[7], "PREHEATING")])
        equal(len(mock.ledger()), 1000)


def the_lists_with_every_filter(binary, generation):
    with MockServer(binary, "--task-seconds", "0", "--fail", "broken", "--calls-per-second", "1000", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        files = cdn.refresh([f"{SITE}/{number}" for number in range(45)])
        cdn.refresh([f"{SITE}/posts/"], type="directory")
        cdn.prefetch([f"{SITE}/7", f"{SITE}/broken"])
        now = int(time.time() * 1000)

        equal([task["id"] for task in cdn.tasks(task_type="refresh")["tasks"]], [files])
        equal(cdn.tasks(file_type="directory")["tasks"][0]["file_type"], "directory")
        task = cdn.tasks(task_type="preheating", status="task_done")["tasks"][0]
        equal((task["succeed"], task["failed"], task["total"]), (1, 1, 2))
        equal(len(cdn.tasks(page_size=1, page_number=2, order_field="create_time", order_type="asc")["tasks"]), 1)
        equal(cdn.tasks(start_date=now - DAY, end_date=now - DAY // 2)["total"], 0)

        answer = cdn.records()
        equal((answer["total"], answer["count"], len(answer["result"])), (48, 10, 10))
        seen = []
        for offset in (0, 20, 40):
            seen += cdn.records(start_time=now - DAY // 2, end_time=now + DAY // 2, offset=offset, limit=20)["result"]
        equal(len({row["id"] for row in seen}), 48)
        assert all(row["status"] in ("SUCCEED", "FAILED") and isinstance(row["task_id"], int) for row in seen), seen
        equal(len(cdn.records(url=f"{SITE}/7")["result"]), 2)
        equal([row["url"] for row in cdn.records(task_type="PREHEATING", status="failed")["result"]], [f"{SITE}/broken"])
        equal([row["mode"] for row in cdn.records(task_type="REFRESH", file_type="directory")["result"]], ["all"])

        equal(refusal(cdn.records, start_time=now - 2 * DAY, end_time=now), ("CDN.0001", 400))
        equal(refusal(cdn.records, start_time=now), ("CDN.0001", 400))
        equal(refusal(cdn.records, limit=101), ("CDN.0001", 400))
        equal(refusal(cdn.tasks, page_size=10), ("CDN.0001", 400))


def tasks_that_fail_say_why(binary, generation):
    with MockServer(binary, "--task-seconds", "0", "--fail", "broken", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        rows = finished(cdn, cdn.prefetch([f"{SITE}/broken.html", f"{SITE}/whole.html"]))
        equal({row["url"]: row["status"] for row in rows}, {f"{SITE}/broken.html": "failed", f"{SITE}/whole.html": "succeed"})
        if generation == "v2":
            equal([row.get("fail_classify") for row in rows], ["ORIGIN_ERROR", None])


def the_quota_goes_down_and_then_there_is_no_task(binary, generation):
    with MockServer(binary, "--quota", "3", "--calls-per-second", "1000", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        left = cdn.quota()
        equal([left[name] for name in ("file_refresh", "dir_refresh", "preheat")], [3, 3, 3])
        cdn.refresh([f"{SITE}/1", f"{SITE}/2"])
        cdn.prefetch([f"{SITE}/1", f"{SITE}/2", f"{SITE}/3"])
        left = cdn.quota()
        equal([left[name] for name in ("file_refresh", "dir_refresh", "preheat")], [1, 3, 0])
        # The refusal is a success without a task: this client raises nothing.
        equal(cdn.refresh([f"{SITE}/3", f"{SITE}/4"]), None)
        equal(cdn.prefetch([f"{SITE}/4"]), None)
        equal(cdn.detail("1").get("urls"), None)
        equal(len(mock.ledger()), 5)


def what_is_malformed_is_refused_whole(binary, generation):
    with MockServer(binary, environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        good = f"{SITE}/good"
        for urls, options in (
            ([good, f"{SITE}/{'x' * 4096}"], {}),
            ([good, "www.example.com/no-scheme"], {}),
            ([good, "https://*.example.com/"], {}),
            ([f"{SITE}/no-slash"], {"type": "directory"}),
            ([good], {"type": "everything"}),
            ([f"{SITE}/a/"], {"type": "directory", "mode": "some"}),
            ([], {}),
        ):
            equal(refusal(cdn.refresh, urls, **options), ("CDN.0001", 400))
        equal(cdn.refresh([f"{SITE}/{number}" for number in range(1001)]), None)
        equal(mock.ledger(), [])


def who_is_not_let_in(binary, generation):
    with MockServer(binary, "--forbid", "CreatePreheatingTasks", environment=KEY) as mock:
        equal(refusal(Cdn(mock.address, generation, key="someone-else").quota), ("APIGW.0301", 401))
        cdn = Cdn(mock.address, generation)
        equal(refusal(cdn.prefetch, [f"{SITE}/x"]), ("CDN.0004", 403))
        forger = Cdn(mock.address, generation, secret="wrong")
        for _ in range(5):
            equal(refusal(forger.quota), ("APIGW.0301", 401))
        # The key is locked now, whoever signs with it.
        equal(refusal(cdn.quota), ("APIGW.0301", 401))
        equal(mock.ledger(), [])


def temporary_credentials_need_their_token(binary, generation):
    with MockServer(binary, environment={**KEY, **TOKEN}) as mock:
        holder = Cdn(mock.address, generation, token=TOKEN["HUAWEICLOUD_SDK_SECURITY_TOKEN"], account="an-account")
        holder.refresh([f"{SITE}/x"])
        holder.prefetch([f"{SITE}/x"])
        equal(refusal(Cdn(mock.address, generation).quota), ("APIGW.0301", 401))
        equal(refusal(Cdn(mock.address, generation, token="another").quota), ("APIGW.0301", 401))
        equal(len(mock.ledger()), 2)


def throttling_is_understood_as_such(binary, generation):
    with MockServer(binary, "--fault", "ShowQuota#1=throttle:2000", "--calls-per-second", "1000", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        # This client puts the status in place of the code here.
        equal(refusal(cdn.quota), ("429", 429))
        cdn.quota()


def domains_statistics_and_logs(binary, generation):
    with MockServer(binary, "--calls-per-second", "1000", environment=KEY) as mock:
        cdn = Cdn(mock.address, generation)
        answer = cdn.call("list_domains", "ListDomainsRequest", page_size=10, page_number=1)
        equal([domain["domain_name"] for domain in answer["domains"]], ["img.example.com", "www.example.com"])
        answer = cdn.call("list_domains", "ListDomainsRequest", domain_name="www.example.com", exact_match=True)
        equal((answer["total"], answer["domains"][0]["domain_status"]), (1, "online"))

        hour = int(time.time()) // 3600 * 3_600_000
        parameters = {"start_time": hour - 3_600_000, "end_time": hour, "domain_name": "www.example.com,img.example.com", "interval": 300}
        stats = lambda **more: cdn.call("show_domain_stats", "ShowDomainStatsRequest", **parameters, **more)["result"]
        apart = stats(action="detail", stat_type="flux,bw", group_by="domain", service_area="global")
        equal(sorted(apart), ["img.example.com", "www.example.com"])
        equal({name: len(values) for name, values in apart["www.example.com"].items()}, {"flux": 12, "bw": 12})
        together = stats(action="detail", stat_type="flux")["flux"]
        equal(together, [one + other for one, other in zip(apart["www.example.com"]["flux"], apart["img.example.com"]["flux"])])
        equal(stats(action="summary", stat_type="flux")["flux"], sum(together))

        answer = cdn.call("show_logs", "ShowLogsRequest", domain_name="www.example.com", start_time=hour - 6 * 3_600_000, end_time=hour, page_size=4, page_number=2)
        equal((answer["total"], len(answer["logs"])), (6, 2))
        log = answer["logs"][0]
        equal((log["domain_name"], log["end_time"] - log["start_time"]), ("www.example.com", 3_600_000))
        assert log["link"].startswith("http"), log


STORIES = [
    every_refresh_and_its_details,
    a_prefetch_of_a_thousand_addresses_by_page,
    the_lists_with_every_filter,
    tasks_that_fail_say_why,
    the_quota_goes_down_and_then_there_is_no_task,
    what_is_malformed_is_refused_whole,
    who_is_not_let_in,
    temporary_credentials_need_their_token,
    throttling_is_understood_as_such,
    domains_statistics_and_logs,
]


def main():
    (binary,) = sys.argv[1:]
    tell("interop", [
        (f"{title(story)} (Huawei Cloud, {generation})", functools.partial(story, binary, generation))
        for story in STORIES
        for generation in GENERATIONS
    ])


if __name__ == "__main__":
    main()
