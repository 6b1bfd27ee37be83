import { expect, it } from 'vitest'
import { schemaObjects } from './schema-objects.ts'

it('The objects of a schema are the tables and indexes that its migrations created, renamed and did not drop.', () => {
  const sqlite = [
    'create table notes (n integer)',
    'create unique index notes_n on notes (n)',
    'create index notes_gone on notes (n)',
    'create table if not exists old (n integer)',
    'create index old_n on old (n)',
    'create table notes_new (n integer)',
    'create index notes_new_n on notes_new (n)',
    'drop index notes_gone',
    'drop table notes',
    'alter table notes_new rename to notes',
    'alter table notes add column text text',
    'drop table if exists old',
  ]
  const migration = { module: 'notes', version: 1, name: 'notes', lowestReader: 0, up: { sqlite, postgres: [] } }
  expect(schemaObjects([migration], 'sqlite')).toEqual({ tables: ['notes'], indexes: ['notes_new_n'] })
})
