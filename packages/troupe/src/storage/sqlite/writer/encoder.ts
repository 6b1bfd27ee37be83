/** Encodes changes as flat cells for the writer. */
import { LRUCache } from 'lru-cache'
import type { Statement } from '../../changes/statement.ts'
import type { Change } from '../../storage-port.ts'
import type { Cell } from '../../writer-port.ts'
import { mode, wireSlots } from './wire.ts'

export class Encoder {
  readonly #known = new LRUCache<string, number>({ max: wireSlots })

  encode(change: Change, into: Cell[]): void {
    const { id, scope, statements, feed = [] } = change
    into.push(id, 'user' in scope ? scope.user : '', statements.length, feed.length)
    for (const statement of statements) this.#statement(statement, into)
    for (const item of feed) into.push(item.kind, item.key, item.data)
  }

  /** Forgets the sent texts; called after a batch whose texts may not have arrived. */
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
    const slot = this.#known.size < wireSlots ? this.#known.size : (this.#known.pop() as number)
    this.#known.set(sql, slot)
    return slot
  }
}
