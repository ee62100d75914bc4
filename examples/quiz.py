# ruff: noqa: INP001 - a script of its own
"""Awards a finished quiz and shows the board: what the backend of a quiz does.

    python quiz.py URL TOKEN USER ACTION QUIZ

The outbox keeps an award from the moment it is asked for until it is settled. So a crash loses
nothing; and because the key is made of what was finished, asking twice counts once.
"""

import sys

from scoreboard.client import Client, ClientProblem, SqliteOutbox


def main(url: str, token: str, user: str, action: str, quiz: str) -> None:
    with Client(url, token, outbox=SqliteOutbox("outbox")) as client:
        for resent in client.resend():
            sys.stdout.write(
                f"again: {resent.pending.user_id} {resent.receipt or resent.problem}\n"
            )
        try:
            receipt = client.award(user, action, f"{quiz}-of-{user}-quiz-award")
        except ClientProblem as problem:
            sys.exit(f"not settled: {problem}" if problem.in_doubt else f"refused: {problem}")
        sys.stdout.write(f"{user} has {receipt.new_score}\n")
        for row in client.top(limit=3).rows:
            sys.stdout.write(f"{row.rank} {row.user_id} {row.score}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
