"""Fills a database with any number of requests, as years of use would have left them: most decided, a few open.

One request of the showroom is the model; what differs from row to row is worked out in SQL, without the triggers that
would do for each row what is the same for all. Each has its hold, its stage and group, and nothing that a list does
not show.
"""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from approvals.models import LaunchRequest

# Column → expression over n, the number of the row counted back from today.
_REQUEST: dict[str, LiteralString] = {
    "uuid": "gen_random_uuid()",
    "stack_id": "'arn:aws:cloudformation:us-east-1:111122223333:stack/SC-bench-' || n || '/0'",
    "stack_name": "'SC-bench-' || n",
    "fingerprint": "encode(sha256(('bench' || n)::bytea), 'hex')",
    "state": "CASE WHEN n <= %(open)s THEN (ARRAY['pending', 'needs_info'])[1 + (n %% 5 = 0)::int]"
    " ELSE (ARRAY['approved', 'approved', 'approved', 'rejected', 'expired', 'withdrawn'])[1 + n %% 6] END",
    "signal": "CASE WHEN n > %(open)s AND n %% 6 < 4 THEN 'stored' ELSE 'none' END",
    "outcome": "CASE WHEN n <= %(open)s THEN 'waiting' WHEN n %% 6 < 3 THEN 'launched' ELSE 'rolled_back' END",
    # One product in three hundred is that of the model: its page and its requests' have years behind them as well.
    "product_id": "CASE WHEN n %% 300 = 0 THEN m.product_id ELSE 'prod-bench' || n %% 300 END",
    "product_name": "CASE WHEN n %% 300 = 0 THEN m.product_name ELSE 'Product ' || n %% 300 END",
    "portfolio_id": "'port-bench' || n %% 20",
    "account": "(222233330000 + n %% 200)::text",
    "region": "(ARRAY['us-east-1', 'eu-west-1', 'eu-central-1'])[1 + n %% 3]",
    "risk": "(ARRAY['none', 'none', 'low', 'medium', 'high'])[1 + n %% 5]",
    "teams": "ARRAY[%(team)s]::bigint[]",
    "requester_id": "(ARRAY[%(requesters)s])[1 + n %% 50]",
    "search_terms": "ARRAY['sc-bench-' || n, 'product', 'bench', 'word' || n %% 1000, 'gh-' || n]",
    "opened_at": "%(now)s - n * interval '1 minute'",
    "deadline": "%(now)s + (n %% 700) * interval '1 minute' + interval '1 hour'",
    "closed_at": "CASE WHEN n > %(open)s THEN %(now)s - n * interval '1 minute' + interval '40 minutes' END",
    "outcome_at": "CASE WHEN n > %(open)s THEN %(now)s - n * interval '1 minute' + interval '45 minutes' END",
}
_INDEXES: LiteralString = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'approvals_launchrequest'
    AND indexname NOT IN (SELECT conname FROM pg_constraint)"""
_FOLLOWERS: tuple[LiteralString, ...] = (
    """INSERT INTO approvals_hold (kind, status, unusable_reason, dedupe_key, fingerprint, url_sha256, opened_at,
         deadline, request_id, handle_logical_id, wait_logical_id, response_request_id, physical_id, timeout_seconds)
       SELECT 'wait_handle', CASE WHEN state IN ('pending', 'needs_info') THEN 'open' ELSE 'ended' END, '',
         fingerprint, fingerprint, fingerprint, opened_at, deadline, id, 'ApprovalHandle', 'ApprovalWait', '', '', 42600
       FROM approvals_launchrequest WHERE stack_name LIKE 'SC-bench-%%'""",
    """INSERT INTO approvals_stage ("order", request_id, passed_at)
       SELECT 1, id, closed_at FROM approvals_launchrequest WHERE stack_name LIKE 'SC-bench-%%'""",
    """INSERT INTO approvals_stagegroup (team_name, quorum, denials, stage_id, team_id)
       SELECT 'Approvers', 1, 1, s.id, %(team)s FROM approvals_stage s
       JOIN approvals_launchrequest r ON r.id = s.request_id WHERE r.stack_name LIKE 'SC-bench-%%'""",
)


def populate(
    owner: Connection,
    model: LaunchRequest,
    count: int,
    *,
    team: int,
    requesters: list[int],
    now: datetime,
    still_open: int = 60,
) -> None:
    """Add `count` requests like `model`, the newest `still_open` of them open. `owner`: of the tables."""
    fields = LaunchRequest._meta.concrete_fields  # noqa: SLF001 - documented, whatever its name says
    names = [str(field.column) for field in fields if not field.primary_key]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(_REQUEST.get(name, f'm."{name}"') for name in names)
    told: dict[str, int | datetime] = {"open": still_open, "now": now, "team": team, "model": model.pk, "count": count}
    fill = (
        f"INSERT INTO approvals_launchrequest ({columns}) SELECT {values}"  # noqa: S608 - names of our own columns
        " FROM approvals_launchrequest m, generate_series(1, %(count)s) n WHERE m.id = %(model)s ORDER BY n DESC"
    ).replace("%(requesters)s", ", ".join(str(int(requesters[i % len(requesters)])) for i in range(50)))
    with owner.transaction():
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        owner.execute("ALTER TABLE approvals_stagegroup DISABLE TRIGGER USER")
        # Indexes are built at once afterwards: word by word they take ten times as long.
        indexes = owner.execute(_INDEXES).fetchall()
        for name, _made in indexes:
            owner.execute(SQL("DROP INDEX {}").format(Identifier(name)))
        for statement in (fill, *_FOLLOWERS):
            owner.execute(statement, told)
        for _name, made in indexes:
            owner.execute(made)
        owner.execute("ALTER TABLE approvals_stagegroup ENABLE TRIGGER USER")
