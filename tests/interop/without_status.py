"""Asks `cdn-purge mock-server` with the clients of Cloudflare and Fastly, for every operation that cdn-purge uses.

Usage: without_status.py BINARY (through the `run` next to it, which sets up the environment)
"""

import functools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mock_server import MockServer
from stories import equal, tell, title

import cloudflare
import fastly
from fastly.api import purge_api, tokens_api

# Made-up credentials.
CLOUDFLARE = {"CLOUDFLARE_API_TOKEN": "interop-token"}
GLOBAL_KEY = {"CLOUDFLARE_EMAIL": "user@example.com", "CLOUDFLARE_API_KEY": "interop-key"}
FASTLY = {"FASTLY_API_TOKEN": "interop-token"}
SITE = "https://www.example.com"
SERVICE = "SU1Z0isxPaozGVKXdv0eY"


def refusal(error, call, *arguments, **parameters):
    """The HTTP status of a call that must be refused."""
    try:
        answer = call(*arguments, **parameters)
    except error as refused:
        return getattr(refused, "status_code", None) or refused.status
    raise AssertionError(f"this should be refused and said {answer}")


def of_cloudflare(mock, **keys):
    return cloudflare.Cloudflare(base_url=f"http://{mock.address}/client/v4", max_retries=0, **(keys or {"api_token": "interop-token"}))


def zone(client):
    [found] = client.zones.list(name="example.com").result
    return found.id


def every_purge_and_invalidation_of_cloudflare(binary):
    with MockServer(binary, environment=CLOUDFLARE) as mock:
        client = of_cloudflare(mock)
        equal(client.user.tokens.verify().status, "active")
        id = zone(client)
        items = {
            "files": [f"{SITE}/a.html", f"{SITE}/b%20c.html?x=1&y=2"],
            "tags": ["article-1", "rev:abc"],
            "hosts": ["www.example.com"],
            "prefixes": ["www.example.com/static/"],
            "purge_everything": True,
        }
        for call in (client.cache.purge, client.cache.invalidate):
            for name, value in items.items():
                equal(call(zone_id=id, **{name: value}).id, id)
        variant = {"url": f"{SITE}/a.html", "headers": {"CF-Device-Type": "mobile"}}
        client.cache.purge(zone_id=id, files=[variant])
        equal(len(mock.ledger()), 2 * 7 + 1)
        equal([url for _, url in mock.ledger()][:2], items["files"])


def what_cloudflare_refuses(binary):
    with MockServer(binary, "--forbid", "invalidate_cache", environment=CLOUDFLARE) as mock:
        client = of_cloudflare(mock)
        id, error = zone(client), cloudflare.APIStatusError
        urls = [f"{SITE}/{number}" for number in range(31)]
        equal(refusal(error, client.cache.purge, zone_id=id, files=urls), 400)
        equal(refusal(error, client.cache.purge, zone_id=id, files=["https://www.example.org/"]), 400)
        equal(refusal(error, client.cache.purge, zone_id=id, prefixes=[f"{SITE}/a/"]), 400)
        equal(refusal(error, client.cache.purge, zone_id="example.com", tags=["a"]), 404)
        equal(refusal(error, client.cache.invalidate, zone_id=id, tags=["a"]), 403)
        equal(refusal(error, of_cloudflare(mock, api_token="another").cache.purge, zone_id=id, tags=["a"]), 401)
        for number in range(25):
            client.cache.purge(zone_id=id, tags=[f"tag-{number}"])
        equal(refusal(error, client.cache.purge, zone_id=id, tags=["one-more"]), 429)
        equal(len(mock.ledger()), 25)


def the_global_key_of_cloudflare(binary):
    with MockServer(binary, environment=GLOBAL_KEY) as mock:
        client = of_cloudflare(mock, api_email="user@example.com", api_key="interop-key")
        client.cache.purge(zone_id=zone(client), files=[f"{SITE}/a.html"])
        other = of_cloudflare(mock, api_email="other@example.com", api_key="interop-key")
        equal(refusal(cloudflare.APIStatusError, other.zones.list), 401)


def of_fastly(mock, token="interop-token"):
    configuration = fastly.Configuration(host=f"http://{mock.address}")
    configuration.api_token = token
    client = fastly.ApiClient(configuration)
    return purge_api.PurgeApi(client), tokens_api.TokensApi(client)


def every_purge_of_fastly(binary):
    with MockServer(binary, environment=FASTLY) as mock:
        purges, tokens = of_fastly(mock)
        assert "global" in str(tokens.get_token_current()["scope"])
        equal(purges.purge_single_url(cached_url="www.example.com/b%20c.html?x=1").status, "ok")
        equal(purges.purge_single_url(cached_url="www.example.com/a.html", fastly_soft_purge=1).status, "ok")
        keys = purges.bulk_purge_tag(SERVICE, surrogate_key="k1 k2 k3")
        equal(sorted(keys.to_dict()), ["k1", "k2", "k3"])
        equal(purges.purge_tag(SERVICE, "article-1").status, "ok")
        equal(purges.purge_all(SERVICE)["status"], "ok")
        urls = [f"{SITE}/b%20c.html?x=1", f"{SITE}/a.html"]
        tags = [f"https://{SERVICE}/#{key}" for key in ("k1", "k2", "k3", "article-1")]
        equal([url for _, url in mock.ledger()], urls + tags + [f"https://{SERVICE}/"])


def what_fastly_refuses(binary):
    with MockServer(binary, "--forbid", "purge_all", environment=FASTLY) as mock:
        purges, tokens = of_fastly(mock)
        error = fastly.ApiException
        equal(refusal(error, of_fastly(mock, "another")[0].purge_all, SERVICE), 401)
        equal(refusal(error, purges.purge_all, SERVICE), 403)
        equal(str(tokens.get_token_current()["scope"]), "purge_select")
        equal(refusal(error, purges.bulk_purge_tag, "nobody", surrogate_key="k1"), 404)
        many = " ".join(f"k{number}" for number in range(257))
        equal(refusal(error, purges.bulk_purge_tag, SERVICE, surrogate_key=many), 400)
        equal(mock.ledger(), [])


STORIES = [
    every_purge_and_invalidation_of_cloudflare,
    what_cloudflare_refuses,
    the_global_key_of_cloudflare,
    every_purge_of_fastly,
    what_fastly_refuses,
]

if __name__ == "__main__":
    tell("clients of Cloudflare and Fastly", [(title(story), functools.partial(story, sys.argv[1])) for story in STORIES])
