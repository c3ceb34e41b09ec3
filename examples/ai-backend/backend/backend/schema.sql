-- SPDX-License-Identifier: GPL-3.0-or-later
-- The backend's tables. Only additions: while a release rolls out, the one before runs beside it.
SET LOCAL ROLE app_owner;
CREATE TABLE IF NOT EXISTS app.question (
    id uuid PRIMARY KEY,
    subject text NOT NULL CHECK (length(subject) <= 255),
    text text NOT NULL CHECK (length(text) <= 4000),
    answer text,
    asked timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS question_subject ON app.question (subject, asked DESC);
