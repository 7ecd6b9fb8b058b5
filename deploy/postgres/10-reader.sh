#!/bin/sh
# The image of the database runs this once, on an empty volume: it creates the read-only role for consumers.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$READER_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role reader login noinherit password :'password';
alter role reader set default_transaction_read_only = on;
alter role reader set statement_timeout = '30s';
grant usage on schema public to reader;
-- newsbeam creates the tables later, at its first start, as the user that runs this
alter default privileges in schema public grant select on tables to reader;
SQL
