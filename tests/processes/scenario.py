"""Scenarios, drawn from a seed: what is deployed, at which provider, and what goes wrong in which attempt."""

import dataclasses
import random

from proxy import SPOILS, Spoil

PROVIDERS = ["alibaba-cdn", "alibaba-dcdn", "alibaba-vod", "huawei-cdn"]
# Faults of the network, by whether they hit calls that change something, the reading of the quota, or any answer.
QUOTA = [how for how in SPOILS if how.startswith("quota")]
DATES = [how for how in SPOILS if how.startswith("Date")]
CALLS = [how for how in SPOILS if how not in QUOTA + DATES]
CLOCKS = {
    # The machine's clock minus the provider's, in seconds.
    "clock 3 s ahead": 3,
    "clock minutes ahead": 600,
    "clock seconds late": -7,
    "clock 20 minutes late": -1200,
    "clock a day ahead": 86400,
}
STEPS = {"clock stepped by a day": -86400, "clock stepped by four days": -345600}
SIGNALS = ["SIGINT", "SIGTERM", "SIGINT twice", "SIGKILL"]
MOMENTS = ["at a random time", "as a request arrives", "as a request is executed"]
KILLS = [f"{signal} {moment}" for signal in SIGNALS for moment in MOMENTS if signal == "SIGKILL" or moment != MOMENTS[2]]
FILES = [
    "outputs full",
    "summary full",
    "summary's folder read-only",
    "report's folder read-only",
    "report's disk full",
    "report is a folder",
    "journal's disk full",
    "journal's size limited",
    "journal's folder is a file",
    "journal read-only",
    "log full",
]
LINKS = ["report is a link", "report's folder is a link", "journal is a link", "journal's folder is a link", "GitLab's files are links"]
OTHERS = ["connection refused", "endless references"]
KINDS = [*CALLS, *QUOTA, *DATES, *CLOCKS, *STEPS, *KILLS, *FILES, *LINKS, *OTHERS]

# A checkout's file names may say anything.
NAMES = [
    "index.html",
    "a b/c.html",
    "##[set-output name=status;]done.html",
    "::set-output name=status::done",
    "x\n::error::y.html",
    "日本/ü.html",
    "section_start:0:a\r\x1b[0K.html",
    "100%/$(id).html",
]


@dataclasses.dataclass
class Scenario:
    """What happens, but for the moments at which the machine lets it."""

    seed: int
    kind: str
    providers: list
    source: str
    host: str
    pages: list
    deleted: list
    prefetch: bool
    batch_size: int
    sequential: bool
    task_seconds: float
    listing_lag: float
    rows: str
    fails: list
    spoils: list = dataclasses.field(default_factory=list)
    clock: int = 0
    clock_name: str = ""
    step: str = ""
    # By attempt: the signal, its moment, and which request or how many seconds.
    signals: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)
    link: str = ""
    refused: dict = dataclasses.field(default_factory=dict)
    endless: bool = False

    def describe(self):
        """All of it in a few lines."""
        spoils = [f"{s.how} ({s.kind} {s.first}+{s.count - 1}, run {s.attempt})" for s in self.spoils]
        return (
            f"seed {self.seed}, {self.kind}: {len(self.pages)} pages from {self.source} at {', '.join(self.providers)} "
            f"on {self.host}, {len(self.deleted)} deleted, prefetch {self.prefetch}, batches of {self.batch_size or 'any size'}, "
            f"sequential {self.sequential}, tasks {self.task_seconds} s, listed {self.listing_lag} s late, rows per {self.rows}, "
            f"fails {self.fails}\n  spoils {spoils}, clock {self.clock_name or self.step or 'right'}, signals {self.signals}, "
            f"files {self.files}, link {self.link or 'none'}, refused {self.refused}"
        )


def draw(seed):
    """The scenario of a seed. Its main fault goes by the seed, so that so many seeds as there are kinds show every one."""
    chance = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    needs_repository = kind in LINKS or kind == "endless references"
    count = chance.choice([1, 2, 5, 12, 40])
    pages = chance.sample(NAMES, min(count, chance.randint(1, len(NAMES))))
    pages += [f"page/{number}.html" for number in range(count - len(pages))]
    source = "a repository" if needs_repository or chance.random() < 0.6 else "a list"
    if source == "a list":
        pages = [page for page in pages if page.isprintable()] or ["index.html"]
    if kind == "GitLab's files are links":
        host = "GitLab"
    elif kind in ("outputs full", "summary full", "summary's folder read-only"):
        host = "GitHub"
    else:
        host = chance.choice(["GitHub", "no host"] + (["GitHub", "GitLab"] if source == "a repository" else []))
    several = source == "a repository" and chance.random() < 0.2
    scenario = Scenario(
        seed=seed,
        kind=kind,
        providers=chance.sample(PROVIDERS, 2) if several else [chance.choice(PROVIDERS)],
        source=source,
        host=host,
        pages=pages,
        deleted=["gone/1.html", "gone/2.html"][: chance.randint(0, 2)] if source == "a repository" else [],
        prefetch=chance.random() < 0.7,
        batch_size=chance.choice([0, 0, 1, 3, 10]) if count < 40 else chance.choice([0, 7, 20]),
        sequential=chance.random() < 0.15,
        task_seconds=chance.choice([0.3, 1.5, 3]),
        listing_lag=chance.choice([0, 0, 0, 2, 6]),
        rows=chance.choice(["url", "url", "url", "task"]),
        fails=["page/1.html"] if "page/1.html" in pages and chance.random() < 0.3 else [],
    )
    # One row for a whole task says of all its URLs what happened to one.
    scenario.fails = scenario.fails if scenario.rows == "url" else []
    if kind in CLOCKS or (kind not in STEPS and kind not in DATES and chance.random() < 0.25):
        scenario.clock_name = kind if kind in CLOCKS else chance.choice(list(CLOCKS))
        scenario.clock = CLOCKS[scenario.clock_name]
    # A clock that is ahead matters where nothing is known of the provider's, and an answer is lost.
    is_unclocked = kind in CLOCKS and scenario.clock > 0
    if is_unclocked:
        add_spoil(scenario, chance, "reset after execution", 1)
        scenario.spoils[-1].kind, scenario.spoils[-1].first = "purge", 1
    if kind == "executed late, no answer":
        scenario.listing_lag = 6
    if kind in QUOTA or is_unclocked or chance.random() < 0.25:
        how = kind if kind in QUOTA else chance.choice(QUOTA)
        scenario.spoils += [Spoil(how, "quota", attempt, count=999) for attempt in (1, 2)]
    if kind in CALLS:
        add_spoil(scenario, chance, kind, 1)
    elif kind in DATES:
        # A second is what `Date` rounds; what is days off can't be a clock that takes our signatures.
        seconds = chance.choice([-1, 1, 86400, -86400])
        scenario.spoils.append(Spoil(kind, "any", 1, count=999, seconds=seconds))
    if kind not in DATES:
        for _ in range(chance.choice([0, 0, 1, 1, 2])):
            add_spoil(scenario, chance, chance.choice(CALLS), chance.randint(1, 2))
    if kind in KILLS:
        add_signal(scenario, chance, kind, 1)
    elif kind in STEPS:
        scenario.step = kind
        add_signal(scenario, chance, "SIGKILL as a request is executed", 1)
    elif chance.random() < 0.25:
        # It mustn't come before the scenario's own fault does.
        first = 2 if kind in CALLS + QUOTA + DATES + FILES + OTHERS else 1
        add_signal(scenario, chance, chance.choice(KILLS), chance.randint(first, 2))
    if kind in FILES:
        scenario.files[1] = kind
    elif kind not in LINKS and chance.random() < 0.1:
        of_github = [name for name in FILES if "summary" in name or "outputs" in name]
        scenario.files[2] = chance.choice([name for name in FILES if host == "GitHub" or name not in of_github])
    if any("journal's disk" in name or "size limited" in name for name in scenario.files.values()):
        # So many records that they don't fit.
        scenario.batch_size = 1
        scenario.pages += [f"more/{number}.html" for number in range(30 - len(scenario.pages))]
    if kind in LINKS:
        scenario.link = kind
    if kind == "connection refused" or chance.random() < 0.08:
        scenario.refused[1] = chance.choice([1, 3])
    scenario.endless = kind == "endless references"
    if scenario.signals or scenario.files or any(spoil.kind == "purge" for spoil in scenario.spoils):
        # Calls that share a task id share its row, too: then no record tells whether a call that was lost was executed.
        scenario.rows = "url"
    return scenario


def add_spoil(scenario, chance, how, attempt):
    # The first call is always made; later ones if there are so many.
    first = 1 if how == scenario.kind else chance.randint(1, 3)
    kind = "purge" if how == scenario.kind or chance.random() < 0.6 else "query"
    scenario.spoils.append(Spoil(how, kind, attempt, first, count=chance.choice([1, 1, 2])))


def add_signal(scenario, chance, name, attempt):
    signal, moment = next((s, m) for s in SIGNALS for m in MOMENTS if f"{s} {m}" == name)
    # A run takes at least as long as its tasks.
    if moment == MOMENTS[0]:
        when = round(chance.uniform(0.02, 0.3), 2)
    else:
        when = 1 if name == scenario.kind or scenario.step else chance.randint(1, 4)
    scenario.signals[attempt] = (signal, moment, when)
