-- SPDX-License-Identifier: GPL-3.0-or-later
-- The application's database: who may come in, who owns what, and what the rotator may do. It may run any
-- number of times. In single-user mode an empty line ends a statement, so there is none inside of one.
GRANT CONNECT ON DATABASE app TO app_owner, rotator;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS app AUTHORIZATION app_owner;

CREATE SCHEMA IF NOT EXISTS rotation;

GRANT USAGE ON SCHEMA rotation TO rotator;

-- The password comes as a SCRAM verifier: the server and its logs never see the password itself.
CREATE OR REPLACE FUNCTION rotation.set_password(login text, verifier text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $function$
BEGIN
    IF login IS NULL OR login NOT IN ('app_a', 'app_b') THEN
        RAISE EXCEPTION 'only the passwords of app_a and app_b can be set' USING ERRCODE = '42501';
    END IF;
    IF verifier IS NULL OR verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/=]{20,}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}$' THEN
        RAISE EXCEPTION 'the password must be given as a SCRAM-SHA-256 verifier' USING ERRCODE = '22023';
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L', login, verifier);
END
$function$;

CREATE OR REPLACE FUNCTION rotation.sessions(login text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $function$
BEGIN
    IF login IS NULL OR login NOT IN ('app_a', 'app_b') THEN
        RAISE EXCEPTION 'only the sessions of app_a and app_b can be counted' USING ERRCODE = '42501';
    END IF;
    RETURN (SELECT count(*) FROM pg_stat_activity WHERE usename = login);
END
$function$;

CREATE OR REPLACE FUNCTION rotation.end_sessions(login text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $function$
BEGIN
    IF login IS NULL OR login NOT IN ('app_a', 'app_b') THEN
        RAISE EXCEPTION 'only the sessions of app_a and app_b can be ended' USING ERRCODE = '42501';
    END IF;
    RETURN (SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = login);
END
$function$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rotation FROM PUBLIC;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA rotation TO rotator;

