/** Patterns of keys that wait for the thread of the evaluator: those of a source share a turn. */
import type { EvaluatorReply, KeyMatch } from './evaluator-worker.ts'

/** A turn takes further patterns up to this cost, in keys: some 50 ms for the costliest patterns and keys. */
const maxCostOfTurn = 1_000
/** The highest cost of compiling a pattern, in keys. */
const costOfPattern = 20

interface MatchBatch {
  readonly matches: KeyMatch[]
  cost: number
  readonly reply: Promise<EvaluatorReply>
}

export class MatchBatches {
  /** By source: the batch that takes further patterns. */
  readonly #open = new Map<string, MatchBatch>()
  readonly #evaluate: (source: string, begin: () => Promise<readonly KeyMatch[]>) => Promise<EvaluatorReply>

  /** @param evaluate waits for a turn of the source, which then takes the patterns that have come until then */
  constructor(evaluate: (source: string, begin: () => Promise<readonly KeyMatch[]>) => Promise<EvaluatorReply>) {
    this.#evaluate = evaluate
  }

  /** @returns the reply of the turn, and the index of this pattern in it */
  add(source: string, match: KeyMatch): { readonly reply: Promise<EvaluatorReply>; readonly index: number } {
    const batch = this.#batchOf(source)
    batch.cost += match.keys.length + costOfPattern
    return { reply: batch.reply, index: batch.matches.push(match) - 1 }
  }

  #batchOf(source: string): MatchBatch {
    const open = this.#open.get(source)
    if (open && open.cost < maxCostOfTurn) return open
    const matches: KeyMatch[] = []
    const reply = this.#evaluate(source, async () => {
      // A turn may begin at once, before its first pattern is in the batch.
      await Promise.resolve()
      if (this.#open.get(source) === batch) this.#open.delete(source)
      return matches
    })
    const batch: MatchBatch = { matches, cost: 0, reply }
    this.#open.set(source, batch)
    return batch
  }
}
