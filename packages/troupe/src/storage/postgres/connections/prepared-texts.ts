/**
 * Completes the text of a statement with its values. Each parameter gets an explicit type, which PostgreSQL would
 * otherwise guess. Null is written into the text, and `now` is read from the transaction's setting.
 *
 * A frequent text gets a name, under which connections prepare it.
 */
import { LRUCache } from 'lru-cache'
import type { Bind } from '../../changes/statement.ts'

export type ParameterValue = string | number | bigint | Uint8Array | readonly (string | null)[]

export interface Query {
  readonly text: string
  readonly values: readonly ParameterValue[]
  readonly name?: string
}

/** The maximum number of names, because each connection of the server holds all of them. */
const maxNames = 500
/** The number of uses after which a text gets a name. */
const often = 3

/** SQL that returns the time of the transaction, in ms since 1970. */
export const transactionTime = "current_setting('troupe.now')::bigint"

export class PreparedTexts {
  /** The typed texts by SQL and then by the types of the values. */
  readonly #texts = new LRUCache<string, Map<string, string>>({ max: 4_096 })
  readonly #uses = new LRUCache<string, { count: number }>({ max: 4_096 })
  readonly #names = new Map<string, string>()

  /**
   * @param sql with `$1`, `$2` …
   * @param wrap encloses the typed text, which has the given number of values; `key` distinguishes the kinds of
   * enclosure
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
      if (isCurrentTime(bind)) return transactionTime
      sent++
      if (isNow(bind)) return `(${transactionTime} + round($${sent}::double precision)::bigint)`
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

/** Whether the value is `now` without an offset; then no value is sent. */
const isCurrentTime = (bind: Bind): boolean => isNow(bind) && !bind.plusMs
