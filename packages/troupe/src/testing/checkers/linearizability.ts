/**
 * Checks linearizability with the search of Wing and Gong, which skips the states that it has tried (Lowe, "Testing for
 * linearizability", 2017), for each key by itself (Horn and Kroening, "Faster linearizability checking via
 * P-compositionality", 2015).
 */
import { checkFunction, checkOptions, fieldOf } from '../../core/index.ts'
import { checkFields, checkRecords } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

/** An operation of a recorded history. */
export interface HistoryOperation<Input, Output> {
  /** The key. Operations of different keys are independent of each other. */
  readonly key: string
  /** The name of the client, for messages. */
  readonly client: string
  /** The input, for the model. */
  readonly input: Input
  /** The time of the call, by a clock that all clients share. */
  readonly called: number
  /** The time of the return; undefined if the outcome is unknown. */
  readonly returned: number | undefined
  /** The output; not used if the outcome is unknown. */
  readonly output?: Output | undefined
}

/** A sequential specification: what each operation does to a state. */
export interface Model<State, Input, Output> {
  /** The state before the first operation of a key. */
  readonly initial: State
  /**
   * Applies an operation to a state.
   * @param output undefined if the outcome is unknown; then every output is possible
   * @param output.value the recorded output
   * @returns the next state, or `impossible` if the operation cannot return this output in this state
   */
  step(
    state: State,
    input: Input,
    output: { readonly value: Output | undefined } | undefined,
  ): State | typeof impossible
  /** Returns a text for a state; equal states have equal texts. */
  text(state: State): string
}
/** The result of `Model.step` for an operation that cannot return its output in the given state. */
export const impossible: unique symbol = Symbol('impossible')

/** The options of `checkLinearizability`. */
export interface LinearizabilityOptions {
  /** The number of search steps for each key, after which the key counts as an anomaly; 2,000,000 by default. */
  readonly limit?: number
}

/**
 * Checks that a history of concurrent operations is linearizable: the operations of each key could have happened one
 * after another, each between its call and its return. An operation with an unknown outcome may have happened at any
 * time after its call, or never.
 * @returns an anomaly of the rule `linearizability` for each key that is not linearizable or could not be decided
 */
export function checkLinearizability<State, Input, Output>(
  history: readonly HistoryOperation<Input, Output>[],
  model: Model<State, Input, Output>,
  options: LinearizabilityOptions = {},
): readonly Anomaly[] {
  checkRecords('The history of checkLinearizability', history, { key: 'string', called: 'number', returned: 'number?' })
  for (const method of ['step', 'text'])
    checkFunction(`${method} of the model of checkLinearizability`, fieldOf(model, method))
  checkOptions('checkLinearizability', options, ['limit'])
  checkFields('checkLinearizability', options, { limit: 'number?' })
  const byKey = Map.groupBy(history, ({ key }) => key)
  return [...byKey].flatMap(([key, operations]) => {
    const problem = problemOfKey(operations, model, options.limit ?? 2_000_000)
    return problem === undefined
      ? []
      : [{ rule: 'linearizability' as const, message: `key ${JSON.stringify(key)}: ${problem}` }]
  })
}

interface Frame<State> {
  readonly state: State
  readonly done: bigint
  /** The index of the first operation that is not done. */
  readonly from: number
  /** The next candidate to try. */
  next: number
}

function problemOfKey<State, Input, Output>(
  operations: readonly HistoryOperation<Input, Output>[],
  model: Model<State, Input, Output>,
  limit: number,
): string | undefined {
  // The search ends when all operations with a known outcome are placed; the others may be placed too.
  const sorted = [...operations].sort((a, b) => a.called - b.called)
  const known = sorted.reduce((mask, { returned }, i) => (returned === undefined ? mask : mask | (1n << BigInt(i))), 0n)
  const tried = new Set<string>()
  const stack: Frame<State>[] = [{ state: model.initial, done: 0n, from: 0, next: 0 }]
  let furthest: Frame<State> = stack[0] as Frame<State>
  let longest = 0
  let steps = 0
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    if ((frame.done & known) === known) return undefined
    if (++steps > limit) return `undecided after ${limit} steps (${sorted.length} operations)`
    const deadline = earliestReturn(sorted, frame)
    let pushed = false
    for (let i = frame.next; i < sorted.length && !pushed; i++) {
      const operation = sorted[i] as HistoryOperation<Input, Output>
      if (operation.called > deadline) break
      if (frame.done & (1n << BigInt(i))) continue
      frame.next = i + 1
      const output = operation.returned === undefined ? undefined : { value: operation.output }
      const state = model.step(frame.state, operation.input, output)
      if (state === impossible) continue
      const done = frame.done | (1n << BigInt(i))
      const seen = `${done.toString(36)}|${model.text(state)}`
      if (tried.has(seen)) continue
      tried.add(seen)
      const child = { state, done, from: firstOpen(done, frame.from), next: firstOpen(done, frame.from) }
      stack.push(child)
      if (stack.length > longest) [longest, furthest] = [stack.length, child]
      pushed = true
    }
    if (!pushed) stack.pop()
  }
  return explain(sorted, furthest, model)
}

const firstOpen = (done: bigint, from: number): number => {
  let at = from
  while (done & (1n << BigInt(at))) at++
  return at
}

/** An operation that was called after this time cannot be the next one. */
function earliestReturn(sorted: readonly HistoryOperation<unknown, unknown>[], { done, from }: Frame<unknown>): number {
  let earliest = Number.POSITIVE_INFINITY
  for (let i = from; i < sorted.length; i++) {
    const { called, returned } = sorted[i] as HistoryOperation<unknown, unknown>
    if (called > earliest) break
    if (returned !== undefined && returned < earliest && !(done & (1n << BigInt(i)))) earliest = returned
  }
  return earliest
}

function explain<State>(
  sorted: readonly HistoryOperation<unknown, unknown>[],
  furthest: Frame<State>,
  model: { text(state: State): string },
): string {
  const open = sorted.filter((_, i) => !(furthest.done & (1n << BigInt(i)))).slice(0, 6)
  const shown = open.map(
    ({ client, input, output, called, returned }) =>
      `${client} ${JSON.stringify(input)} -> ${returned === undefined ? 'unknown' : JSON.stringify(output)} [${called}, ${returned ?? '?'}]`,
  )
  return `no order explains it; at best the state was ${model.text(furthest.state)} and none of these could come next: ${shown.join('; ')}`
}
