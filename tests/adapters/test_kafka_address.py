"""It is promised that the URL of a Kafka bus says everything, and nothing that it must not."""

from pathlib import Path

import pytest

from scoreboard.errors import Misconfigured

pytest.importorskip("confluent_kafka")

from scoreboard.adapters.kafka import KafkaBus
from scoreboard.adapters.kafka.address import OURS, address


def test_brokers_prefix_and_options_are_taken_from_the_url() -> None:
    found = address(
        "kafka://one:9092,two,[::1]:19092/league?security.protocol=ssl&client.rack=a%26b"
    )
    assert found.servers == "one:9092,two:9092,[::1]:19092"
    assert found.prefix == "league"
    assert dict(found.properties) == {"security.protocol": "ssl", "client.rack": "a&b"}


@pytest.mark.parametrize("path", ["", "/"])
def test_without_a_prefix_it_is_scoreboard(path: str) -> None:
    assert address(f"kafka://one{path}").prefix == "scoreboard"


def test_a_file_keeps_passwords_out_of_the_url_and_the_url_overrides_it(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text(
        "# who we are\n\nsasl.username = us\nsasl.password=a=b c#d\n  sasl.mechanism=PLAIN\n",
        "utf-8",
    )
    found = address(f"kafka://one/x?sasl.mechanism=SCRAM-SHA-512&config={file}")
    assert dict(found.properties) == {
        "sasl.username": "us",
        "sasl.password": "a=b c#d",
        "sasl.mechanism": "SCRAM-SHA-512",
    }


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("kafka:", "looks like"),
        ("kafka:///scores", "looks like"),
        ("http://one:9092", "looks like"),
        ("kafka://one#x", "looks like"),
        ("kafka://us:word@one", "sasl.username"),
        ("kafka://one:port", "host:port"),
        ("kafka://one:70000", "host:port"),
        ("kafka://one,,two", "host:port"),
        ("kafka://one/a/b", "prefix"),
        ("kafka://one/a%20b", "prefix"),
        ("kafka://one?acks", "name=value"),
        ("kafka://one?config=/nowhere/at.all", "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence) as refused:
        address(url)
    assert "word" not in str(refused.value).replace("password", "")


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_the_promises_rest_on_cannot_be_chosen(name: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=name):
        address(f"kafka://one/x?{name}=1")
    file = tmp_path / "client.properties"
    file.write_text(f"{name}=1\n", "utf-8")
    with pytest.raises(Misconfigured, match=name):
        address(f"kafka://one/x?config={file}")


def test_a_line_that_is_none_is_named_without_its_text(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("ssl.endpoint.identification.algorithm=https\nhunter2\n", "utf-8")
    with pytest.raises(Misconfigured, match="Line 2 ") as refused:
        address(f"kafka://one/x?config={file}")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    ["no.such.property=1", "security.protocol=magic", "security.protocol=ssl&ssl.ca.location=/no"],
)
async def test_what_the_client_refuses_is_refused_when_the_bus_is_opened(
    query: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Misconfigured, match="refuses"):
        await KafkaBus.open(f"kafka://127.0.0.1:9/x?{query}")
    assert capfd.readouterr() == ("", "")
