import { expect, test } from 'vitest'
import { incompatibilityOf, powerOf, type ServerInspection } from './inspect-server.ts'

const well: ServerInspection = {
  version: 15,
  role: 'app',
  free: false,
  owns: false,
  creates: false,
  member: true,
  application: { exists: true, free: false, owns: false },
  open: [],
  pooled: false,
}

test('A PostgreSQL server that is too old is rejected, and every later version is accepted.', () => {
  expect(incompatibilityOf({ ...well, version: 14 })).toMatch(/14 is too old/)
  for (const version of [15, 16, 17, 18, 19]) expect(incompatibilityOf({ ...well, version })).toBeUndefined()
})

test.each<[string, Partial<ServerInspection>, RegExp]>([
  ['lacks the role', { application: { exists: false, free: false, owns: false } }, /no role troupe_app/],
  ['does not let this role become it', { member: false }, /grant troupe_app to app/],
  ['has it free of row-level security', { application: { exists: true, free: true, owns: false } }, /nobypassrls/],
  ['has it own tables', { application: { exists: true, free: false, owns: true } }, /owns tables/],
  ['has tables open to everybody', { open: ['messages', 'runs'] }, /not forced on messages, runs/],
])('A database that %s is rejected.', (_, part, problem) => {
  expect(incompatibilityOf({ ...well, ...part })).toMatch(problem)
})

test('A role is too powerful if it could see all users.', () => {
  expect(powerOf(well)).toBeUndefined()
  expect(powerOf({ ...well, free: true })).toMatch(/free of row-level security/)
  expect(powerOf({ ...well, owns: true })).toMatch(/owns the tables/)
})
