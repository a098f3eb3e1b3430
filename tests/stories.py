"""Stories that a script tells one after another: whatever one of them meets, the next one still counts."""

import sys
import traceback


def title(story):
    """What a story is about, by its name."""
    return story.__name__.replace("_", " ")


def equal(found, expected):
    """Ends a story that found something else, and says both."""
    assert found == expected, f"found {found!r}, expected {expected!r}"


def tell(name, stories):
    """Tells all stories, each a title and what to call, then how many went well; and ends the script by that."""
    failed = 0
    for about, story in stories:
        try:
            story()
            print(f"ok      {about}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED  {about}\n{traceback.format_exc()}", flush=True)
    print(f"{name}: {len(stories) - failed} of {len(stories)} passed")
    sys.exit(1 if failed else 0)
