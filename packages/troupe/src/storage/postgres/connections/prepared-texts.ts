/**
 * The text of a statement with its values: each parameter gets the type of its value, for PostgreSQL would have to guess
 * it; null stands in the text, and `now` is what the transaction says it is.
 *
 * What is used often gets a name, by which a connection keeps it prepared.
 */
import { LRUCache } from 'lru-cache'
import type { Bind } from '../../changes/statement.ts'

export type ParameterValue = string | number | bigint | Uint8Array | readonly (string | null)[]

export interface Query {
  readonly text: string
  readonly values: readonly ParameterValue[]
  readonly name?: string
}

/** Named ones, at most: every connection of the server keeps them all. */
const maxNames = 500
/** Used so often it is worth a name. */
const often = 3

export class PreparedTexts {
  /** By their SQL, then by the kinds of its values: one long text to look for. */
  readonly #texts = new LRUCache<string, Map<string, string>>({ max: 4_096 })
  readonly #uses = new LRUCache<string, { count: number }>({ max: 4_096 })
  readonly #names = new Map<string, string>()
  readonly #now: string

  /** @param now SQL that gives the time of the transaction, ms since 1970 */
  constructor(now: string) {
    this.#now = now
  }

  /**
   * @param sql with `$1`, `$2` …
   * @param wrap around the typed text, which has so many values; `key` tells its kinds apart
   */
  query(
    sql: string,
    binds: readonly Bind[],
    wrap?: { readonly key: string; apply(text: string, values: number): string },
  ): Query {
    const values: (string | number | bigint | Uint8Array)[] = []
    let signature = wrap?.key ?? ''
    for (const bind of binds) {
      signature += typeOf(bind)
      if (bind === null || isCurrentTime(bind)) continue
      values.push(isNow(bind) ? (bind.plusMs ?? 0) : bind)
    }
    const texts = this.#texts.get(sql) ?? new Map<string, string>()
    let text = texts.get(signature)
    if (text === undefined) {
      text = this.#typed(sql, binds)
      if (wrap) text = wrap.apply(text, values.length)
      this.#texts.set(sql, texts.set(signature, text))
    }
    const name = this.#nameOf(text)
    return name === undefined ? { text, values } : { text, values, name }
  }

  #typed(sql: string, binds: readonly Bind[]): string {
    let sent = 0
    const pieces = binds.map((bind) => {
      if (bind === null) return 'null'
      if (isCurrentTime(bind)) return this.#now
      sent++
      if (isNow(bind)) return `(${this.#now} + round($${sent}::double precision)::bigint)`
      return `$${sent}::${types[typeOf(bind)]}`
    })
    return sql.replace(/\$(\d+)/g, (_, number) => pieces[Number(number) - 1] ?? 'null')
  }

  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known !== undefined || this.#names.size >= maxNames) return known
    const uses = this.#uses.get(text) ?? { count: 0 }
    this.#uses.set(text, uses)
    if (++uses.count < often) return undefined
    const name = `troupe_${this.#names.size}`
    this.#names.set(text, name)
    return name
  }
}

type Kind = 's' | 'i' | 'd' | 'b' | 't' | 'm' | 'n'
const types: Readonly<Record<Kind, string>> = {
  s: 'text',
  i: 'bigint',
  d: 'double precision',
  b: 'bytea',
  t: '',
  m: '',
  n: '',
}

function typeOf(bind: Bind): Kind {
  if (bind === null) return 'n'
  if (typeof bind === 'string') return 's'
  if (typeof bind === 'bigint') return 'i'
  if (typeof bind === 'number') return Number.isInteger(bind) ? 'i' : 'd'
  return isCurrentTime(bind) ? 'm' : isNow(bind) ? 't' : 'b'
}

const isNow = (bind: Bind): bind is Exclude<Bind, string | number | bigint | Uint8Array | null> =>
  typeof bind === 'object' && bind !== null && '$' in bind

/** `now` itself: no value is sent for it. */
const isCurrentTime = (bind: Bind): boolean => isNow(bind) && !bind.plusMs
