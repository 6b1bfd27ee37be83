/**
 * Statements are SQL text that both engines read, compiled once per dialect; values are bound by name. Whatever they call
 * payload, envelope, reason or answer is content.
 */
import type { Kysely, RawBuilder } from 'kysely'
import { type Bind, type Dialect, type Now, type Template, template } from '../../storage/index.ts'
import { messagingContent } from '../messaging-tables.ts'

export type Values = Readonly<Record<string, Bind>>

export const storageNow: Now = { $: 'now' }
export const later = (plusMs: number): Now => ({ $: 'now', plusMs })

export function compile<V extends { [K in keyof V]: Bind }>(
  dialect: Dialect,
  build: (p: V) => RawBuilder<unknown>,
): Template<V> {
  return template<object, V>(
    dialect,
    (db: Kysely<object>, p) => ({ compile: () => build(p).compile(db) }),
    messagingContent,
  )
}
