"""Settings: where a value comes from, and what is said about one that is wrong."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from scoreboard.errors import Misconfigured
from scoreboard.ports import Rate
from scoreboard.settings import SETTINGS, Backend, Settings, gather, load, markdown, parse, table


def test_every_setting_has_a_field_and_a_default_that_is_valid(tmp_path: Path) -> None:
    settings = load({}, {}, tmp_path)
    assert [each.name.lower() for each in SETTINGS] == list(
        dict.fromkeys(each.name.lower() for each in SETTINGS)
    )
    assert {each.name.lower() for each in SETTINGS} == set(Settings.__struct_fields__)
    assert settings.ledger.location == str(tmp_path / "scoreboard-data/scoreboard.db")
    assert settings.secret_file == tmp_path / "scoreboard-data/secret"


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    file = tmp_path / "scoreboard.toml"
    file.write_text('port = 1\nhost = "0.0.0.0"\nrefresh_ms = 70\n')
    environ = {"SCOREBOARD_PORT": "2", "SCOREBOARD_HOST": "::1", "HOME": "/"}
    settings = load({"PORT": "3", "DATA": None}, environ, tmp_path)
    assert (settings.port, settings.host, settings.refresh_ms) == (3, "::1", 70)
    sources = {row.name: row.source for row in table(gather({"PORT": 3}, environ, tmp_path))}
    assert sources["SCOREBOARD_PORT"] == "flag"
    assert sources["SCOREBOARD_HOST"] == "environment"
    assert sources["SCOREBOARD_REFRESH_MS"] == "scoreboard.toml"
    assert sources["SCOREBOARD_DATA"] == "default"


def test_a_path_in_a_file_belongs_to_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/sb.toml").write_text('data = "kept"\norigins = ["https://a.io"]\n')
    settings = load({}, {"SCOREBOARD_CONFIG": "etc/sb.toml"}, tmp_path)
    assert settings.data == tmp_path / "etc/kept"
    assert settings.origins == ("https://a.io",)


def test_an_empty_variable_is_absent_and_test_variables_are_ignored(tmp_path: Path) -> None:
    environ = {
        "SCOREBOARD_PORT": "",
        "SCOREBOARD_TEST_REQUIRE": "redis",
        "SCOREBOARD_FAILPOINT": "x",
    }
    assert load({}, environ, tmp_path).port == 8000


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("USER_RATE", "10/60s", Rate(10, 60)),
        ("USER_RATE", "600/m", Rate(600, 60)),
        ("USER_RATE", "5/2h", Rate(5, 7200)),
        ("SERVICE_RATE", "0", Rate(0, 1)),
        (
            "ORIGINS",
            "https://A.io/, http://localhost:5173",
            ("https://a.io", "http://localhost:5173"),
        ),
        ("TRUSTED_PROXIES", "10.0.0.0/8,::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
        ("MIGRATE", "no", False),
        ("RANKING", "redis://:pw@h:6379/0", Backend("redis", "//:pw@h:6379/0")),
        ("BUS", "kafka://h:9092/prefix", Backend("kafka", "//h:9092/prefix")),
        ("OPS_LISTEN", "[::1]:9100", ("::1", 9100)),
        ("ROLE", "Gateway", "gateway"),
        ("SECURITY_CONTACT", "mailto:a@b.example", "mailto:a@b.example"),
        ("SECURITY_CONTACT", "https://b.example/report", "https://b.example/report"),
        ("JWKS_URL", "http://localhost:1/jwks", "http://localhost:1/jwks"),
    ],
)
def test_text_becomes_a_value(tmp_path: Path, name: str, text: str, value: object) -> None:
    settings = load({}, {f"SCOREBOARD_{name}": text}, tmp_path)
    assert getattr(settings, name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("PORT", "80x", "whole number from 0 to 65535"),
        ("PORT", "65536", "whole number from 0 to 65535"),
        ("PORT", "٣", "whole number"),
        ("HOST", "a b", "127.0.0.1"),
        ("USER_RATE", "10", "10/60s"),
        ("USER_RATE", "10/2d", "at most a day"),
        ("LEDGER", "postgresql:x", "postgresql://user@host:5432/database"),
        ("LEDGER", "redis://h", "give sqlite:"),
        ("RANKING", "kafka://h/x", "redis://host:6379/0"),
        ("BUS", "memory:", "give local:"),
        ("OPS_LISTEN", "9100", "127.0.0.1:9100"),
        ("ROLE", "leader", "all, api, gateway or relay"),
        ("ORIGINS", "*", "https://example.com"),
        ("ORIGINS", "https://a.io/path", "no path"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8"),
        ("JWKS_URL", "http://login.example.com/jwks", "https"),
        ("MIGRATE", "maybe", "true or false"),
        ("SECURITY_CONTACT", "a@b.example", "mailto:security@example.com"),
        ("SECURITY_CONTACT", "http://b.example", "https://example.com/security"),
        ("SECURITY_CONTACT", "mailto:a@b.example\nContact: x", "mailto:security@example.com"),
        ("LOG_LEVEL", "loud", "debug, info, warning or error"),
    ],
)
def test_a_value_that_is_wrong_is_named_with_what_is_right(
    tmp_path: Path, name: str, text: str, advice: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        load({}, {f"SCOREBOARD_{name}": text}, tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(f"SCOREBOARD_{name} is {text!r}")
    assert advice in sentence
    assert "\n" not in sentence


def test_unknown_names_are_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="did you mean SCOREBOARD_PORT"):
        load({}, {"SCOREBOARD_PROT": "1"}, tmp_path)
    (tmp_path / "scoreboard.toml").write_text("user-rate = 1\n")
    with pytest.raises(Misconfigured, match="did you mean user_rate"):
        load({}, {}, tmp_path)


@pytest.mark.parametrize("content", ["port = ", "[server]\nport = 1\n", "port = 1.5\n", "\udcff"])
def test_a_file_that_is_not_a_list_of_settings_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "scoreboard.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Misconfigured, match=r"scoreboard\.toml"):
        load({}, {}, tmp_path)


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        load({}, {"SCOREBOARD_CONFIG": "none.toml"}, tmp_path)


def test_passwords_are_never_repeated(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        load({}, {"SCOREBOARD_RANKING": "postgresql://me:sesame@h/x"}, tmp_path)
    assert "sesame" not in str(caught.value)
    rows = table(gather({}, {"SCOREBOARD_JWKS_URL": "https://me:sesame@h/x"}, tmp_path))
    assert not [row for row in rows if "sesame" in row.value]
    assert [row for row in rows if row.value == "https://me:***@h/x"]


def test_the_documentation_names_every_setting() -> None:
    text = markdown()
    assert [each.name for each in SETTINGS if f"`SCOREBOARD_{each.name}`" not in text] == []


@pytest.mark.parametrize(
    "url",
    [
        "redis://:planted@h:6379/0",
        "postgresql://user:planted@h/scoreboard",
        "kafka://h:9093/board?sasl.username=u&sasl.password=planted",
        "kafka://h:9093/board?ssl.key.password=planted&security.protocol=SSL",
        "kafka://h:9093/board?ssl.key.pem=planted",
    ],
)
def test_no_password_of_a_url_is_shown(url: str) -> None:
    shown = parse.masked(f"BUS is {url}, which is not valid")
    assert "planted" not in shown
    assert "***" in shown
    assert url.partition("://")[0] in shown
