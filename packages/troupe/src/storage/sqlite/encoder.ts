/** Changes as flat cells for the writer, and the check that they mean there what they meant here. */
import { LRUCache } from 'lru-cache'
import { failure } from '../../core/index.ts'
import type { Change } from '../port.ts'
import type { Bind, Statement } from '../statement.ts'
import type { Cell } from '../writer-port.ts'
import { mode, slots } from './wire.ts'

export class Encoder {
  readonly #known = new LRUCache<string, number>({ max: slots })

  encode(change: Change, into: Cell[]): void {
    into.push(
      change.id,
      'user' in change.scope ? change.scope.user : '',
      change.statements.length,
      change.feed?.length ?? 0,
    )
    for (const statement of change.statements) this.#statement(statement, into)
    for (const item of change.feed ?? []) into.push(item.kind, item.key, item.data)
  }

  /** After a batch whose texts may not have arrived. */
  forget(): void {
    this.#known.clear()
  }

  #statement({ sql, expect, returns, binds }: Statement, into: Cell[]): void {
    const slot = this.#known.get(sql)
    if (slot === undefined) into.push(sql, this.#assign(sql))
    else into.push(slot)
    const flag = returns ? mode.returns : 0
    if (expect === undefined) into.push(flag, 0, Number.POSITIVE_INFINITY)
    else if ('rows' in expect) into.push(flag, expect.rows, expect.rows)
    else if ('sameAs' in expect) into.push(flag | mode.sameAs, expect.sameAs, 0)
    else into.push(flag, expect.min ?? 0, expect.max ?? Number.POSITIVE_INFINITY)
    into.push(binds.length)
    for (const bind of binds) into.push(bind)
  }

  #assign(sql: string): number {
    const slot = this.#known.size < slots ? this.#known.size : (this.#known.pop() as number)
    this.#known.set(sql, slot)
    return slot
  }
}

const [smallest, largest] = [-(2n ** 63n), 2n ** 63n - 1n]

/**
 * Storage would change some values silently: half a surrogate pair, text after NUL, a number that is no integer any
 * more, NaN. They are refused.
 * @throws ValidationError `validation.failed`
 */
export function checkBinds(statements: readonly Statement[]): void {
  for (const { binds } of statements)
    for (const bind of binds) {
      const problem = problemOf(bind)
      if (problem !== undefined) throw failure('validation.failed', { what: 'A value to be stored', problem })
    }
}

export function checkText(text: string, what: string): void {
  const problem = problemOf(text)
  if (problem !== undefined) throw failure('validation.failed', { what, problem })
}

function problemOf(bind: Bind): string | undefined {
  if (typeof bind === 'string') {
    if (bind.includes('\0')) return 'a text holds NUL'
    return bind.isWellFormed() ? undefined : 'a text holds half of a surrogate pair'
  }
  if (typeof bind === 'number') {
    if (!Number.isFinite(bind)) return `${bind} is not a finite number`
    return Number.isInteger(bind) && !Number.isSafeInteger(bind)
      ? `${bind} is no exact number: pass a bigint`
      : undefined
  }
  if (typeof bind === 'bigint') return bind < smallest || bind > largest ? `${bind} has more than 64 bits` : undefined
  if (bind === null || bind instanceof Uint8Array || (typeof bind === 'object' && bind.$ === 'now')) return undefined
  return `a ${typeof bind} cannot be bound`
}
