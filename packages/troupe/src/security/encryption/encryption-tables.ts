/**
 * The tables of encryption: the wrapped data keys of users and, for the whole database, the state of encryption and the
 * keys of the ring that were used. The latter have no content.
 */
import { postgresTables, workTable } from '../../storage/index.ts'

const tables = [
  // `uses` is the number of encryptions granted to processes; `ring_key` wrapped the key; `reencryption` created it, if
  // one did.
  `create table security_data_keys (
    user_id text not null, id text not null, ring_key text not null, wrapped text not null, current integer not null,
    uses integer not null, reencryption text not null, primary key (user_id, id))`,
  'create unique index security_data_keys_current on security_data_keys (user_id) where current = 1',
  'create table security_encryption (name text not null primary key, value text not null)',
  // `mark` is a hash of the user; the id is stored only during the erasure.
  `create table security_erased_users (mark text not null primary key, user_id text, at integer not null)`,
]

/** Finds the first user after a given one over all tables. Names of users are not content. */
const nextUser = `create function troupe_next_user(after_user text, names text[]) returns text
  language plpgsql stable security definer set search_path from current as $$
  declare name text; found text; first_user text; begin
    foreach name in array names loop
      execute format('select min(user_id) from %I where user_id > $1', name) into found using after_user;
      if found is not null and (first_user is null or found < first_user collate "C") then first_user := found; end if;
    end loop;
    return first_user;
  end $$`

export const encryptionSchema = {
  sqlite: tables,
  postgres: [
    ...postgresTables(tables),
    workTable('security_erased_users'),
    nextUser,
    'revoke execute on function troupe_next_user(text, text[]) from public',
  ],
}
