/**
 * The tables of encryption: users' wrapped data keys, and for the whole database how far it is sealed and which keys of the
 * ring it was sealed with. The latter is content-free.
 */
import { postgresTables, workTable } from '../../storage/index.ts'

const tables = [
  // `uses` were handed out to processes to seal with; `ring_key` wrapped it; `reencryption` made it, where one did.
  `create table security_data_keys (
    user_id text not null, id text not null, ring_key text not null, wrapped text not null, current integer not null,
    uses integer not null, reencryption text not null, primary key (user_id, id))`,
  'create unique index security_data_keys_current on security_data_keys (user_id) where current = 1',
  'create table security_encryption (name text not null primary key, value text not null)',
  // `mark` is a hash of the user; who it is stands there only while the forgetting goes on.
  `create table security_erased_users (mark text not null primary key, user_id text, at integer not null)`,
]

/** Users over all tables, for whoever goes over them: the first one after a given one. Names of users are no content. */
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

export interface EncryptionTables {
  security_data_keys: {
    user_id: string
    id: string
    ring_key: string
    wrapped: string
    current: number
    uses: number
    reencryption: string
  }
  security_encryption: { name: string; value: string }
  security_erased_users: { mark: string; user_id: string | null; at: number }
}
