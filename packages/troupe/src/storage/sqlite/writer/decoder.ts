/** Decodes changes from the cells of a batch, and caches the statements whose texts arrived in earlier batches. */
import type { DatabaseSync } from 'node:sqlite'
import type { Cell, ChangeBatch } from '../../writer-port.ts'
import { bindable, PreparedStatement, type Value } from './prepared-statement.ts'

export interface DecodedStatement {
  readonly slot: Slot
  readonly mode: number
  readonly low: number
  readonly high: number
  readonly binds: readonly Value[]
}
export interface DecodedChange {
  readonly id: string | null
  readonly user: string
  readonly at: number
  readonly statements: readonly DecodedStatement[]
  /** Kind, key and data of each item. */
  readonly feed: readonly string[]
}

/** A text of SQL, prepared at its first use, so that an invalid text fails only its own change. */
class Slot {
  readonly #sql: string
  #prepared: PreparedStatement | undefined

  constructor(sql: string) {
    this.#sql = sql
  }
  prepared(db: DatabaseSync): PreparedStatement {
    this.#prepared ??= new PreparedStatement(db, this.#sql)
    return this.#prepared
  }
}

export class Decoder {
  readonly #wireSlots: Slot[] = []
  #cells: readonly Cell[] = []
  #next = 0

  read(cells: readonly Cell[]): void {
    this.#cells = cells
    this.#next = 0
  }

  /** Decodes the changes of a batch. */
  changes(batch: ChangeBatch): readonly DecodedChange[] {
    this.read(batch.cells)
    return Array.from({ length: batch.changes }, () => this.change(batch.at))
  }

  change(at: number): DecodedChange {
    const id = this.#cell() as string | null
    const user = this.#cell() as string
    const statements = new Array<DecodedStatement>(this.#cell() as number)
    const items = this.#cell() as number
    for (let i = 0; i < statements.length; i++) statements[i] = this.#statement(at)
    const feed = this.#cells.slice(this.#next, this.#next + 3 * items) as string[]
    this.#next += 3 * items
    return { id, user, at, statements, feed }
  }

  #statement(at: number): DecodedStatement {
    const first = this.#cell()
    let slot: Slot
    if (typeof first === 'string') {
      slot = new Slot(first)
      this.#wireSlots[this.#cell() as number] = slot
    } else slot = this.#wireSlots[first as number] as Slot
    const [mode, low, high] = [this.#cell() as number, this.#cell() as number, this.#cell() as number]
    const binds = new Array<Value>(this.#cell() as number)
    for (let i = 0; i < binds.length; i++) {
      const cell = this.#cell()
      binds[i] =
        typeof cell === 'string' ? cell : bindable(isNow(cell) ? Math.round(at + (cell.plusMs ?? 0)) : (cell as Value))
    }
    return { slot, mode, low, high, binds }
  }

  #cell(): Cell {
    return this.#cells[this.#next++] as Cell
  }
}

const isNow = (cell: Cell): cell is { readonly $: 'now'; readonly plusMs?: number } =>
  typeof cell === 'object' && cell !== null && '$' in cell
