-- Run once by psql when the database is made: one role owns the tables and migrates, the other one only logs in.
\set owner_password `cat "${TROUPE_SECRETS:-/run/secrets}/owner_password"`
\set database_password `cat "${TROUPE_SECRETS:-/run/secrets}/database_password"`
create role troupe_owner login createrole password :'owner_password';
create role troupe login password :'database_password';
select format('grant create on database %I to troupe_owner', current_database()) \gexec
