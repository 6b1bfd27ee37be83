/** A process that is killed at a statement of a migration: the next one brings the file to the same schema. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'troupe-migrations-'))
afterAll(() => rmSync(folder, { recursive: true }))

const program = join(import.meta.dirname, 'migration-child.ts')
/** Of all statements, every n-th; TROUPE_EVERY=1 takes minutes. */
const every = Number(process.env.TROUPE_EVERY ?? 29)

function open(database: string, release: number, dieAt = 0) {
  const child = spawnSync(process.execPath, ['--no-warnings', program, database, `${release}`, `${dieAt}`])
  return { killed: child.signal === 'SIGKILL', statements: Number(child.stdout) }
}

function schemaOf(database: string): unknown {
  const db = new DatabaseSync(database, { readOnly: true })
  const tables = db.prepare('select type, name, tbl_name, sql from sqlite_master order by type, name').all()
  const steps = db
    .prepare('select module, version, name, lowest_reader from storage_schema order by module, version')
    .all()
  db.close()
  return [tables, steps]
}

test.each([
  [0, 1],
  [1, 3],
])(
  'A migration from release %i to %i that is killed at its statements is repeated completely.',
  (from, to) => {
    const origin = join(folder, `${from}.db`)
    if (from > 0) open(origin, from)
    const fresh = (name: string) => {
      const database = join(folder, name)
      if (from > 0) copyFileSync(origin, database)
      return database
    }
    const undisturbed = fresh(`whole-${to}.db`)
    const { statements } = open(undisturbed, to)
    const wanted = schemaOf(undisturbed)
    let killed = 0
    for (let nth = 1; nth <= statements; nth += every) {
      const database = fresh(`killed-${to}-${nth}.db`)
      if (open(database, to, nth).killed) killed++
      open(database, to)
      expect(existsSync(database)).toBe(true)
      expect(schemaOf(database)).toEqual(wanted)
    }
    process.stderr.write(`killed at ${killed} of ${statements} statements\n`)
    expect(killed).toBe(Math.ceil(statements / every))
  },
  120_000,
)
