#!/bin/sh
# Run once by the database's image on an empty volume: the role for consumers, who read and never write.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$READER_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role reader login noinherit password :'password';
alter role reader set default_transaction_read_only = on;
alter role reader set statement_timeout = '30s';
grant usage on schema public to reader;
-- the tables come later, with the first start of newsbeam, and belong to the user that runs this
alter default privileges in schema public grant select on tables to reader;
SQL
