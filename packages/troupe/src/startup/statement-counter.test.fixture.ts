/** Counts what the storage in memory executes, which has no thread of its own. */
import { StatementSync } from 'node:sqlite'
import { afterEach } from 'vitest'

const original = { run: StatementSync.prototype.run, all: StatementSync.prototype.all }
afterEach(() => void Object.assign(StatementSync.prototype, original))

/** @returns the text of each statement from now on, in lower case */
export function countStatements(): readonly string[] {
  const texts: string[] = []
  for (const name of ['run', 'all'] as const) {
    const execute = original[name] as (this: StatementSync, ...args: unknown[]) => unknown
    Object.assign(StatementSync.prototype, {
      [name](this: StatementSync, ...args: unknown[]) {
        texts.push(this.sourceSQL.trim().toLowerCase())
        return execute.apply(this, args)
      },
    })
  }
  return texts
}
