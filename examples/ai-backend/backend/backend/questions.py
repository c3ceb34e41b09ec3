# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend keeps, and how. Every piece of work may be done twice and has then been done once."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, TypeVar

import asyncpg

from backend.database import Database

Result = TypeVar("Result")

# Whoever runs the schema first locks the others out for that moment.
SCHEMA_LOCK = 7_201_150


@dataclass(frozen=True, slots=True)
class Question:
    """Something that was asked, and its answer when there is one."""

    id: uuid.UUID
    text: str
    answer: str | None
    asked: datetime

    def data(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "text": self.text,
            "answer": self.answer,
            "asked": self.asked.isoformat(),
        }


class Questions:
    """The table of questions; everybody sees their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Bring the schema to this version; it belongs to the role that both logins are members of."""
        statements = resources.files("backend").joinpath("schema.sql").read_text()

        async def work(connection: Any) -> None:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
            await connection.execute(statements)

        await self._database.run("prepare", work)

    async def alive(self) -> None:
        """Ask the database for something that needs the schema."""

        async def work(connection: Any) -> None:
            await connection.fetchval("SELECT 1 FROM question LIMIT 1")

        await self._with_schema("alive", work)

    async def keep(self, question: uuid.UUID, subject: str, text: str, answer: str) -> Question | None:
        """Keep a question with its answer; nothing when somebody else has a question of this identity."""

        async def work(connection: Any) -> Question | None:
            row = await connection.fetchrow(
                "INSERT INTO question (id, subject, text, answer) VALUES ($1, $2, $3, $4)"
                " ON CONFLICT (id) DO UPDATE SET text = excluded.text, answer = excluded.answer"
                " WHERE question.subject = excluded.subject RETURNING id, text, answer, asked",
                question,
                subject,
                text,
                answer,
            )
            return Question(*row) if row else None

        return await self._with_schema("keep", work)

    async def find(self, question: uuid.UUID, subject: str) -> Question | None:
        """Return one of the subject's own questions."""

        async def work(connection: Any) -> Question | None:
            row = await connection.fetchrow(
                "SELECT id, text, answer, asked FROM question WHERE id = $1 AND subject = $2",
                question,
                subject,
            )
            return Question(*row) if row else None

        return await self._with_schema("find", work)

    async def latest(self, subject: str, limit: int) -> list[Question]:
        """Return the subject's newest questions."""

        async def work(connection: Any) -> list[Question]:
            rows = await connection.fetch(
                "SELECT id, text, answer, asked FROM question"
                " WHERE subject = $1 ORDER BY asked DESC LIMIT $2",
                subject,
                limit,
            )
            return [Question(*row) for row in rows]

        return await self._with_schema("latest", work)

    async def _with_schema(self, name: str, work: Callable[[Any], Awaitable[Result]]) -> Result:
        """Do work; an empty database, such as one without a disk that restarted, gets its schema first."""
        try:
            return await self._database.run(name, work)
        except asyncpg.UndefinedTableError:
            await self.prepare()
            return await self._database.run(name, work)
