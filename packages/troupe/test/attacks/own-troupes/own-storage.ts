/** A database of one attack alone, on the engine of the row, with the rights of its owner: for attacks behind the library. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TroupeConfig } from '../../../src/index.ts'
import { withClient } from '../../postgres/postgres-server.ts'
import type { Attack, AttackAction, Outcome } from '../attack.ts'
import type { Testbed } from '../testbed.ts'

export interface OwnStorage {
  readonly storage: TroupeConfig['storage']
  /** For files of the attack. */
  readonly folder: string
  /** The attacker's statement; the troupe is closed. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Another place without tables, on the same engine. */
  another(): OwnStorage
}

function storageIn(testbed: Testbed, folder: string, n = 0): OwnStorage {
  const storage = testbed.newStorage()
  const another = () => storageIn(testbed, folder, n + 1)
  if (typeof storage === 'object' && 'schema' in storage && 'url' in storage) {
    const { url, schema } = storage as { readonly url: string; readonly schema: string }
    const query = (sql: string) =>
      withClient(async (client) => {
        await client.query(`set search_path to ${schema}`)
        return (await client.query(sql)).rows as Record<string, unknown>[]
      }, url)
    return { storage, folder, query, another }
  }
  // What is in memory has nothing behind the library.
  const file = join(folder, `${n}.db`)
  const query = async (sql: string) => {
    const db = new DatabaseSync(file)
    try {
      return db.prepare(sql).all() as Record<string, unknown>[]
    } finally {
      db.close()
    }
  }
  return { storage: `sqlite:${file}`, folder, query, another }
}

/** Tries an attack in a database of its own. @returns what the attacker gained; undefined for nothing */
export type OwnAttack = (own: OwnStorage, testbed: Testbed) => Promise<string | undefined>

/** @param attacks by name; each also carries out the harmless case, and throws if that is held up */
export function ownRows(
  code: string,
  about: Pick<Attack, 'family' | 'source' | 'goal'>,
  attacks: Readonly<Record<string, OwnAttack>>,
): { readonly rows: readonly Attack[]; readonly actions: Readonly<Record<string, AttackAction>> } {
  const rows = Object.keys(attacks).map(
    (name): Attack => ({
      ...about,
      id: `${code}/${name.replaceAll(/[^\w]+/g, '-')}`,
      channel: `${code}: ${name}`,
      payload: name,
      policy: 'default',
      expected: 'blocked',
    }),
  )
  const carriedOut =
    (attack: OwnAttack): AttackAction =>
    async (_, testbed): Promise<Outcome> => {
      const folder = mkdtempSync(join(tmpdir(), 'troupe-own-'))
      try {
        const gained = await attack(storageIn(testbed, folder), testbed)
        return { succeeded: gained !== undefined, asked: false, reached: true, detail: gained ?? '' }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  const actions = Object.entries(attacks).map(([name, attack]) => [`${code}: ${name}`, carriedOut(attack)] as const)
  return { rows, actions: Object.fromEntries(actions) }
}

/** The harmless case has to work, or the row would prove nothing. */
export function expectHarmless(works: boolean, what: string): void {
  if (!works) throw new Error(`the harmless case was held up: ${what}`)
}

/** @returns the code of the error; undefined where none was thrown */
export const codeOf = (work: () => Promise<unknown>): Promise<string | undefined> =>
  work().then(
    () => undefined,
    (error: { readonly code?: unknown }) => String(error.code ?? error),
  )
