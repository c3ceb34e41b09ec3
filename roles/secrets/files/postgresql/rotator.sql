-- SPDX-License-Identifier: GPL-3.0-or-later
-- What rotates the login roles of an application without being their master: a role that may call four
-- functions, for the roles that are listed in one table, and nothing else. Run it once as the superuser,
-- in the database that the rotator connects to; running it again changes nothing:
--   psql -v ON_ERROR_STOP=1 -v rotator=rotator -v roles=app_a,app_b -f rotator.sql
-- The rotator itself and the roles are made by whoever sets the server up.
\set ON_ERROR_STOP on
BEGIN;

CREATE SCHEMA IF NOT EXISTS rotation;
REVOKE ALL ON SCHEMA rotation FROM PUBLIC;

CREATE TABLE IF NOT EXISTS rotation.roles (login text PRIMARY KEY);
REVOKE ALL ON rotation.roles FROM PUBLIC;
INSERT INTO rotation.roles (login)
SELECT trim(listed) FROM unnest(string_to_array(:'roles', ',')) AS listed
ON CONFLICT DO NOTHING;

-- Every function asks here first.
CREATE OR REPLACE FUNCTION rotation.require(login text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM rotation.roles r WHERE r.login = require.login) THEN
    RAISE EXCEPTION 'role % is not rotated here', login USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;

-- Takes a verifier and never a password: nothing that could be logged lets anybody in.
CREATE OR REPLACE FUNCTION rotation.set_password(login text, verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM rotation.require(login);
  IF verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/=]{20,}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$' THEN
    RAISE EXCEPTION 'a SCRAM-SHA-256 verifier is wanted' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  EXECUTE format('ALTER ROLE %I PASSWORD %L VALID UNTIL ''infinity''', login, verifier);
END $$;

-- Lets a role end by itself, should nobody come back to revoke it.
CREATE OR REPLACE FUNCTION rotation.expire(login text, ending timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM rotation.require(login);
  EXECUTE format('ALTER ROLE %I VALID UNTIL %L', login, ending);
END $$;

CREATE OR REPLACE FUNCTION rotation.sessions(login text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM rotation.require(login);
  RETURN (SELECT count(*) FROM pg_stat_activity a WHERE a.usename = login);
END $$;

-- One by one: in a single condition the server may end a session before it asks whose it is.
CREATE OR REPLACE FUNCTION rotation.end_sessions(login text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session integer;
  ended integer := 0;
BEGIN
  PERFORM rotation.require(login);
  FOR session IN SELECT a.pid FROM pg_stat_activity a WHERE a.usename = login LOOP
    PERFORM pg_terminate_backend(session);
    ended := ended + 1;
  END LOOP;
  RETURN ended;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rotation FROM PUBLIC;
GRANT USAGE ON SCHEMA rotation TO :"rotator";
GRANT EXECUTE ON FUNCTION
  rotation.set_password(text, text),
  rotation.expire(text, timestamptz),
  rotation.sessions(text),
  rotation.end_sessions(text)
TO :"rotator";

COMMIT;
