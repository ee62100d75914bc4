"""It is promised that a player's browser can verify what the service says of its ledger."""

import json
from pathlib import Path

from playwright.sync_api import Route

from tests.acceptance.browser import OpenPage, chromium, open_page
from tests.acceptance.stage import shared
from tests.service_process import Service

__all__ = ["chromium", "open_page", "shared"]

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/proof.json").read_text("utf-8"))
VERIFY = """
async ({ key, checkpoint, awards, proof, refused }) => {
  const { NotProven, verifiedAward, verifiedCheckpoint } = await import("/static/verify.js");
  const told = (error) => (error instanceof NotProven ? error.message : `${error}`);
  return {
    size: (await verifiedCheckpoint(checkpoint.note, key)).size,
    postings: await Promise.all(awards.map((each) => verifiedAward(each.proof, key))),
    refused: await Promise.all(refused.map(({ change, key: other = key, note }) =>
      verifiedAward({ ...proof, ...change }, other, note).catch(told))),
  };
}
"""


def test_a_browser_proves_what_is_true_and_nothing_else(
    open_page: OpenPage, shared: Service
) -> None:
    source = (ROOT / "clients/js/verify.js").read_text("utf-8")

    def serve(route: Route) -> None:
        route.fulfill(body=source, content_type="text/javascript")

    with open_page() as page:
        page.route("**/static/verify.js", serve)
        page.goto(shared.url)
        found = page.evaluate(VERIFY, VECTORS)
    assert found["size"] == VECTORS["checkpoint"]["says"]["size"]
    assert found["postings"] == [each["posting"] for each in VECTORS["awards"]]
    assert found["refused"] == [each["says"] for each in VECTORS["refused"]]
