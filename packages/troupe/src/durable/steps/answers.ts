/** Reads of the world inside: asked once, answered from the log ever after. */
import { encodeJson, failure, type Json, storeError } from '../../core/index.ts'
import type { CallName } from '../recorder-port.ts'
import type { CallId } from './call-identity.ts'
import { createItem, type Life } from './life.ts'
import { entryText } from './log-entry.ts'
import type { Stage } from './stages.ts'

export function answer<T extends Json>(
  life: Life,
  stage: Stage,
  call: CallName,
  ask: () => T | Promise<T>,
): Promise<T> {
  const id = life.counter.next(stage.path, call)
  const promise = life.open(stage, id) as Promise<T>
  if (!life.delivery.find(id)) life.start(id, () => void life.work(() => read(life, id, ask)))
  return promise
}

async function read(life: Life, id: CallId, ask: () => Json | Promise<Json>): Promise<void> {
  try {
    const value = await ask()
    const text = value === undefined ? undefined : encodeJson(value, `The answer to ${id}`)
    if (life.dead) return
    life.record(createItem('answer', id, { value }), { t: 'answer', id }, text)
  } catch (thrown) {
    if (life.dead) return
    const error = storeError(thrown, life.options.redact)
    life.record(createItem('answer', id, { error }), { t: 'answer', id, e: error }, undefined)
  }
}

/** @throws what `ask` throws, which is not recorded */
export function answerNow<T extends Json>(life: Life, stage: Stage, call: CallName, ask: () => T): T {
  const id = life.counter.next(stage.path, call)
  const logged = life.delivery.find(id)
  if (logged) {
    if (logged.kind !== 'now') throw failure('invariant.broken', { rule: `${id} is answered at once` })
    logged.taken = true
    life.delivery.poke()
    return logged.value as T
  }
  const kept = life.log.kept.get(id)
  life.log.kept.delete(id)
  const value = kept ? (kept.item.value as T) : ask()
  const text = kept ? undefined : encodeJson(value, `The answer to ${id}`)
  const item = createItem('now', id, { value })
  item.taken = true
  const place = life.delivery.push(item)
  const fields = { id, ...(place === undefined ? {} : { p: place }) }
  life.appender.add(kept ? entryText({ t: 'again', ...fields }) : entryText({ t: 'now', ...fields }, text))
  return value
}
