/**
 * Storage's own tables. Every other table belongs to the module that migrates it.
 *
 * `storage_feed.n` rises with every row, so that old rows are found at its low end without an index on time.
 */

import { restoredTable } from '../restoration.ts'
import type { Migration } from './migration.ts'
import { storagePostgres } from './storage-postgres.ts'

export const storageMigrations: readonly Migration[] = [
  {
    module: 'storage',
    version: 1,
    name: 'change ids, revisions, feed, blobs, the mark of a restored database',
    lowestReader: 1,
    up: {
      sqlite: [
        'create table storage_settings (name text primary key, value blob not null) without rowid',
        "insert into storage_settings (name, value) values ('probe', 0), ('secret', randomblob(32))",
        `create table storage_changes (
          id text not null, user_id text not null, at integer not null, revision integer,
          primary key (id, user_id)) without rowid`,
        'create index storage_changes_at on storage_changes (at)',
        `create table storage_revisions (
          user_id text primary key, revision integer not null, horizon integer not null) without rowid`,
        // The clean-up finds the few users with a long feed by this index.
        'create index storage_revisions_long on storage_revisions (user_id) where revision - horizon > 10000',
        `create table storage_feed (
          n integer primary key, user_id text not null, revision integer not null, ordinal integer not null,
          at integer not null, kind text not null, key text not null, data text not null)`,
        'create unique index storage_feed_revision on storage_feed (user_id, revision, ordinal)',
        `create table storage_blobs (
          user_id text not null, hash text not null, bytes integer not null, content text not null,
          primary key (user_id, hash))`,
        `create table storage_blob_owners (
          user_id text not null, owner text not null, hash text not null, due_at integer, unused integer not null,
          primary key (user_id, owner, hash)) without rowid`,
        'create index storage_blob_owners_hash on storage_blob_owners (user_id, hash)',
        'create index storage_blob_owners_due on storage_blob_owners (user_id, due_at) where due_at is not null',
        'create table storage_blob_lookups (user_id text primary key, due_at integer not null) without rowid',
        'create index storage_blob_lookups_due on storage_blob_lookups (due_at)',
        restoredTable,
      ],
      postgres: storagePostgres,
    },
  },
]
