/** On SQLite, overwrites in the file what the statements delete or replace, instead of only freeing its pages. */
import type { Dialect, Statement } from '../storage/index.ts'

const secureDelete = (on: boolean): Statement => ({ sql: `pragma secure_delete = ${on ? 'on' : 'off'}`, binds: [] })

/** A change that fails in between leaves it on, which does no harm. */
export const overwriting = (dialect: Dialect, statements: readonly Statement[]): readonly Statement[] =>
  dialect.name === 'sqlite' ? [secureDelete(true), ...statements, secureDelete(false)] : statements
