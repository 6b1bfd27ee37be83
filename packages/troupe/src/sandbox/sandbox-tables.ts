/** The table of the sandbox: each version of each file is one row, which no later write changes. */
import { type ContentNames, type Migration, postgresTables, type UserTable } from '../storage/index.ts'

const sqlite = [
  // The content is null for a version that removed the file. The size is an earlier column, so that sums read no content.
  `create table sandbox_files (
    user_id text not null, workspace text not null, path text not null, version integer not null,
    bytes integer not null, step text not null, taint text not null, content text,
    primary key (user_id, workspace, path, version)) without rowid`,
  'create index sandbox_files_bytes on sandbox_files (user_id, bytes)',
]

export const sandboxMigrations: readonly Migration[] = [
  {
    module: 'sandbox',
    version: 1,
    name: 'files of runs and threads',
    lowestReader: 1,
    up: { sqlite, postgres: postgresTables(sqlite) },
  },
]

export const fileContentNames: ContentNames = { content: ['file', 'workspace', 'path', 'version'] }

export const sandboxTables: readonly UserTable[] = [
  {
    module: 'sandbox',
    name: 'sandbox_files',
    key: ['workspace', 'path', 'version'],
    content: fileContentNames,
    batch: 16,
  },
]
