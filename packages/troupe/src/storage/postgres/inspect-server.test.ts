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

test('a server that is old enough to lack what is needed is refused, and every later one is taken', () => {
  expect(incompatibilityOf({ ...well, version: 14 })).toMatch(/14 is too old/)
  for (const version of [15, 16, 17, 18, 19]) expect(incompatibilityOf({ ...well, version })).toBeUndefined()
})

test.each<[string, Partial<ServerInspection>, RegExp]>([
  ['lacks the role', { application: { exists: false, free: false, owns: false } }, /no role troupe_app/],
  ['does not let this role become it', { member: false }, /grant troupe_app to app/],
  ['has it free of row-level security', { application: { exists: true, free: true, owns: false } }, /nobypassrls/],
  ['has it own tables', { application: { exists: true, free: false, owns: true } }, /owns tables/],
  ['has tables open to everybody', { open: ['messages', 'runs'] }, /not forced on messages, runs/],
])('a database that %s is refused', (_, part, problem) => {
  expect(incompatibilityOf({ ...well, ...part })).toMatch(problem)
})

test('only a role that could see all users is too powerful', () => {
  expect(powerOf(well)).toBeUndefined()
  expect(powerOf({ ...well, free: true })).toMatch(/free of row-level security/)
  expect(powerOf({ ...well, owns: true })).toMatch(/owns the tables/)
})
