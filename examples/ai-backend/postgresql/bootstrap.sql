-- SPDX-License-Identifier: GPL-3.0-or-later
-- The roles and their passwords, as the mounted Secrets have them; it may run any number of times.
-- In single-user mode an empty line ends a statement, so there is none inside of one.
DO $bootstrap$
DECLARE
    folder text := coalesce(nullif(current_setting('rampart.secrets', true), ''), '/run/secrets');
    login text := btrim(pg_read_file(folder || '/backend-database/username'), E' \t\r\n');
    pair text[];
BEGIN
    IF login NOT IN ('app_a', 'app_b') THEN
        RAISE EXCEPTION 'the Secret backend-database names a user that is neither app_a nor app_b';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_owner') THEN
        CREATE ROLE app_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_a') THEN
        CREATE ROLE app_a LOGIN IN ROLE app_owner;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_b') THEN
        CREATE ROLE app_b LOGIN IN ROLE app_owner;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rotator') THEN
        CREATE ROLE rotator LOGIN NOINHERIT CONNECTION LIMIT 4;
    END IF;
    -- The one of the two that is not in use keeps what it has: a rotation may be on its way.
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        [login, 'backend-database'], ['rotator', 'postgresql-rotator'], [current_user, 'postgresql-admin']]
    LOOP
        EXECUTE format('ALTER ROLE %I PASSWORD %L', pair[1],
            rtrim(pg_read_file(folder || '/' || pair[2] || '/password'), E'\r\n'));
    END LOOP;
END
$bootstrap$;

