"""Schemathesis asks a running service what its OpenAPI document allows, and what it does not."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from scoreboard.web.documents import openapi
from tests.service_process import Service

EXAMPLES_PER_OPERATION = 25
ENDLESS = "/v1/boards/{board}/stream"
SCOPES = ("scores:write", "scores:read", "scores:admin")

# A body over the limit is refused before it is read, whatever is wrong in it.
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "429", "5xx"]
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}}
)
SCHEMA = schemathesis.openapi.from_file(openapi().decode(), config=CONFIG).exclude(path=ENDLESS)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("fuzzed"), {})
    service.start()
    service.put("actions/quiz.correct", {"points": 10})
    service.award("u_42", "quiz.correct")
    yield service
    service.end()


@pytest.fixture(scope="module")
def token(running: Service) -> str:
    return running.token("u_42", *SCOPES)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES_PER_OPERATION,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# A schema cannot say which actions there are, which cursors were signed or which dates exist: what
# it allows may still be a 400.
def test_every_answer_is_a_documented_one(case: Case, running: Service, token: str) -> None:
    case.call_and_validate(
        base_url=running.url,
        headers={"Authorization": f"Bearer {token}"},
        excluded_checks=[positive_data_acceptance],
        timeout=20,
    )
