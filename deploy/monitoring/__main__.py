"""Write the dashboards beside the provisioning that loads them."""

from pathlib import Path

from deploy.monitoring.boards import rendered

FOLDER = Path(__file__).parent.parent / "grafana" / "dashboards"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
