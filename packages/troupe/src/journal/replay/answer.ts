/** Reads of the troupe's own data: made once, and answered from the record in later executions. */
import {
  asJson,
  encodeJson,
  failure,
  isEnvironmentFailure,
  type Json,
  type Recordable,
  storeError,
} from '../../core/index.ts'
import type { CallName } from '../recorder-port.ts'
import { createItem, type Execution } from '../steps/execution.ts'
import type { Stage } from '../turns/stages.ts'
import type { CallId } from './call-id.ts'
import { checkRecordable } from './check-recordable.ts'
import { entryText } from './log-entry.ts'

export function answer<T>(
  execution: Execution,
  stage: Stage,
  call: CallName,
  ask: () => Recordable<T> | Promise<Recordable<T>>,
): Promise<T> {
  const id = execution.counter.next(stage.path, call)
  const promise = execution.open(id) as Promise<T>
  if (!execution.cursor.find(id)) execution.start(id, () => void execution.work(() => read(execution, id, ask)))
  return promise
}

async function read(execution: Execution, id: CallId, ask: () => Json | Promise<Json>): Promise<void> {
  try {
    const value = await ask()
    const text = value === undefined ? undefined : encodeAnswer(id, value)
    if (!execution.isActive) return
    execution.answer(createItem('answer', id, { value }), { t: 'answer', id }, text)
  } catch (thrown) {
    if (!execution.isActive) return
    // The record would hold a failure that the code did not cause.
    if (isEnvironmentFailure(thrown)) return execution.raise({ on: 'broken', error: thrown })
    const error = storeError(thrown, execution.options.redact)
    execution.answer(createItem('answer', id, { error, thrown }), { t: 'answer', id, e: error }, undefined)
  }
}

/** @throws the error of `ask`, which is not recorded */
export function answerNow<T>(execution: Execution, stage: Stage, call: CallName, ask: () => Recordable<T>): T {
  const id = execution.counter.next(stage.path, call)
  const logged = execution.cursor.find(id)
  if (logged) {
    if (logged.kind !== 'now') throw failure('invariant.broken', { rule: `${id} is answered at once` })
    logged.consumed = true
    execution.advance()
    return logged.value as T
  }
  const retained = execution.record.retained.get(id)
  execution.record.retained.delete(id)
  const value = retained ? (retained.item.value as Recordable<T>) : ask()
  const text = retained ? undefined : encodeAnswer(id, asJson(value))
  const item = createItem('now', id, { value: asJson(value) })
  item.consumed = true
  const position = execution.cursor.push(item)
  execution.advance()
  const fields = { id, ...(position === undefined ? {} : { p: position }) }
  const entry = retained ? entryText({ t: 'reused', ...fields }) : entryText({ t: 'now', ...fields }, text)
  execution.extend(id, () => execution.buffer.add(entry))
  return value
}

/** @throws ValidationError `value.too_large` for an answer that no record can contain */
function encodeAnswer(id: CallId, value: Json): string {
  const what = `The answer to ${id}`
  const text = encodeJson(value, what)
  checkRecordable(id, text, what)
  return text
}
