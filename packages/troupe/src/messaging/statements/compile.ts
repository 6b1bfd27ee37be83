/**
 * Statements are SQL text that both engines read, compiled once per dialect; values are bound by name. Whatever they call
 * payload, envelope, reason or answer is content.
 */

import { type RawBuilder, sql } from 'kysely'
import { type Bind, type ContentNames, type Dialect, type Now, type Template, templates } from '../../storage/index.ts'
import { messagingContent } from '../messaging-tables.ts'

export type Values = Readonly<Record<string, Bind>>

/** The values of a statement about one mailbox. */
export type MailboxKey = { readonly user: string; readonly mailbox: string }

/** Returns the condition for the rows of one mailbox. */
export const ofMailbox = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox}`

/** The values of a statement about one message. */
export type MessageKey = { readonly user: string; readonly id: string }

export const storageNow: Now = { $: 'now' }

export const later = (plusMs: number): Now => ({ $: 'now', plusMs })

export type Compile = <V extends { [K in keyof V]: Bind } = Values>(
  build: (p: V) => RawBuilder<unknown>,
  content?: ContentNames,
) => Template<V>

export const compilerOf = (dialect: Dialect): Compile => templates(dialect, messagingContent)
