/**
 * The turn: what a step has staged commits with what it has recorded, in one change. Commits wait for the effects that
 * were started before them.
 */
import { encodeJson, type Json, type StoredError, storeError } from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { Wait } from '../recorder-port.ts'
import type { TurnPart } from './appender.ts'
import type { CallId } from './call-identity.ts'
import { checkSize, inputHash } from './effect-runner.ts'
import { createItem, type Life } from './life.ts'
import { entryText } from './log-entry.ts'
import {
  type Collected,
  collect,
  contended,
  fragmentsOf,
  isCollected,
  lineageOf,
  remove,
  type Stage,
  tellCommitted,
} from './stages.ts'
import { type Item, toldKey } from './step-log.ts'
import { type Asked, timerOf } from './waits.ts'

type Request =
  | { readonly stage: Stage; readonly commit: CallId }
  | { readonly stage: Stage; readonly wait: Asked }
  | { readonly stage: Stage; readonly end: Ending }

/** With the value as JSON. */
type Ending = { readonly value: Json; readonly text: string } | { readonly error: StoredError }

export class Turn {
  readonly #life: Life
  #ready: Request[] = []

  constructor(life: Life) {
    this.#life = life
  }

  commit(stage: Stage): Promise<void> {
    const life = this.#life
    const id = life.counter.next(stage.path, { kind: 'commit', name: '' })
    const promise = life.open(stage, id) as Promise<void>
    if (!life.delivery.find(id)) life.start(id, () => void this.#request({ stage, commit: id }))
    return promise
  }

  wait(stage: Stage, wait: Wait): Promise<Json> {
    const life = this.#life
    const id = life.counter.next(stage.path, wait.call)
    const hash = inputHash(wait.input, `What ${wait.call.kind} asks`)
    const known = life.log.waits.get(id)
    const promise = life.open(stage, id, known !== undefined && !known.answered) as Promise<Json>
    if (!known) {
      life.start(id, () => void this.#request({ stage, wait: { id, hash, wait } }))
      return promise
    }
    known.asked = true
    if (known.hash !== hash) life.changed(`${id} was asked with another input`)
    const kept = life.log.kept.get(id)
    if (kept) life.again(id, kept)
    else if (!known.answered) {
      life.waits.add(id)
      life.options.host.quiet()
    }
    return promise
  }

  /** The last turn: the outcome with everything that is staged; where it threw, without. */
  end(end: { readonly value: Json } | { readonly thrown: unknown }): void {
    this.#ready = [
      { stage: this.#life.root, end: 'thrown' in end ? this.#failed(end.thrown) : this.#encoded(end.value) },
    ]
    this.#life.appender.flush(true)
  }

  /** An outcome that can't be recorded fails the step: entered again it would be the same. */
  #encoded(value: Json): Ending {
    const what = `The outcome of ${this.#life.options.host.spec.id}`
    try {
      const text = encodeJson(value, what)
      checkSize(this.#life, text, what)
      return { value, text }
    } catch (thrown) {
      return { error: storeError(thrown, this.#life.options.redact) }
    }
  }

  /** What an error says beside its message is left out where it is too much. */
  #failed(thrown: unknown): Ending {
    const error = storeError(thrown, this.#life.options.redact)
    const { details: _, ...rest } = error
    return { error: JSON.stringify(error).length > this.#life.options.limits.valueBytes / 8 ? rest : error }
  }

  async #request(request: Request): Promise<void> {
    const life = this.#life
    if (life.running.size > 0) {
      const { stage } = request
      const effects = this.#effectsBefore(request)
      if ('commit' in request) stage.committing = effects
      await effects
      if (stage.committing === effects) stage.committing = undefined
    }
    if (life.dead || life.returned) return
    if (this.#isEmpty(request)) {
      const item = createItem('commit', request.commit, {})
      return life.record(item, { t: 'commit', id: request.commit }, undefined)
    }
    this.#ready.push(request)
    life.appender.flush()
  }

  /** Waits for effects that were started before, but for those of what stands around it and of neighbours that go on. */
  async #effectsBefore(request: Request): Promise<void> {
    const { running } = this.#life
    const around = lineage([request])
    const before = [...running].filter(([, stage]) => stage === request.stage || !around.has(stage))
    const left = () => before.filter(([effect, stage]) => running.has(effect) && isCollected(stage, around))
    for (let effects = left(); effects.length > 0; effects = left())
      await Promise.all(effects.map(([effect]) => effect))
  }

  /** Nothing is staged and everything is durable: the place of the commit is recorded with the next append. */
  #isEmpty(request: Request): request is Extract<Request, { readonly commit: CallId }> {
    const { appender, root } = this.#life
    if (!('commit' in request) || appender.dirty || appender.busy) return false
    const { staged, stages } = collect(root, lineage([request]))
    return staged.length === 0 && stages.every((stage) => stage.result === undefined)
  }

  /** Called when an append is cut: decides what the turn holds. */
  take(): TurnPart | undefined {
    if (this.#ready.length === 0 || this.#life.dead) return undefined
    const threw = this.#ready.some((request) => 'end' in request && 'error' in request.end)
    // After a refusal one that stands in others' way goes before them; they find what it wrote when they are entered again.
    const rivals = this.#life.log.attempts > 0 && !threw ? contended(this.#life.root, lineage(this.#ready)) : undefined
    const requests = rivals?.body ? [] : this.#ready.splice(0, rivals ? 1 : this.#ready.length)
    const isPart = this.#ready.length > 0
    if (isPart) this.#life.appender.flush()
    const collected = rivals?.body ?? (threw ? nothing : collect(this.#life.root, lineage(requests)))
    return { ...this.#part(requests, collected, threw), ...(isPart ? { isPart } : {}) }
  }

  #part(requests: readonly Request[], collected: Collected, threw: boolean): TurnPart {
    const texts = this.#turnTexts(collected, requests)
    remove(collected)
    const commits = requests.flatMap((request) =>
      'commit' in request ? [this.#commitItem(request.commit, texts)] : [],
    )
    const asked = requests.flatMap((request) => ('wait' in request ? [request.wait] : []))
    const told = this.#tellWaits(asked, texts, commits.length === 0)
    const ends = requests.flatMap((request) => ('end' in request ? [request.end] : []))
    const settled = ends.map((end) => this.#settle(end, texts))[0]
    return {
      texts,
      closes: settled === undefined ? false : threw ? 'failed' : 'settled',
      fragments: async () => [
        ...(await fragmentsOf(collected)),
        ...(await this.#askAll(asked)),
        ...(told ? [told] : []),
        ...(settled ? [settled.fragment] : []),
      ],
      committed: (made) => {
        this.#life.log.attempts = 0
        tellCommitted(collected, made)
        for (const item of commits) this.#life.ready(item)
        for (const { id } of asked) this.#life.delivery.setPassive(id, true)
        settled?.tell()
      },
    }
  }

  #turnTexts(collected: Collected, requests: readonly Request[]): string[] {
    const { staged, stages, left } = collected
    const results = stages.flatMap((stage) => (stage.result ? [stage.result] : []))
    const only = requests.every((request) => 'end' in request)
    if (only && staged.length === 0 && results.length === 0) return []
    const writes = staged.map(({ id }) => id)
    const fields = {
      t: 'turn',
      ...(writes.length > 0 ? { w: writes } : {}),
      ...(left.length > 0 ? { o: left.map(({ path }) => path) } : {}),
    }
    const bodies = results.map(({ call, text }) => `${JSON.stringify(call)}:${text}`)
    const text = JSON.stringify(fields)
    return [bodies.length > 0 ? `${text.slice(0, -1)},"b":{${bodies.join(',')}}}` : text]
  }

  #commitItem(id: CallId, texts: string[]): Item {
    const item = createItem('commit', id, {})
    item.ready = false
    this.#life.delivery.push(item)
    texts.push(entryText({ t: 'commit', id }))
    return item
  }

  /** Told with the turn where the waits are all that will be left. */
  #tellWaits(asked: readonly Asked[], texts: string[], alone: boolean): Fragment | undefined {
    const life = this.#life
    const now = life.options.clock.now()
    for (const { id, hash, wait } of asked) {
      const due = wait.timeoutMs === undefined ? {} : { due: now + wait.timeoutMs }
      life.log.waits.set(id, { hash, due: due.due, answered: false, asked: true })
      life.waits.add(id)
      texts.push(entryText({ t: 'wait', id, h: hash, ...due }))
    }
    const { spec } = life.options.host
    if (asked.length === 0 || !alone || !spec.parked || life.delivery.active > asked.length || life.uncertain.size > 0)
      return undefined
    const waits = [...life.waits]
    texts.push(entryText({ t: 'parked', waits }))
    life.log.told = toldKey(waits)
    return spec.parked(waits)
  }

  async #askAll(asked: readonly Asked[]): Promise<Fragment[]> {
    const { spec } = this.#life.options.host
    const fragments: Fragment[] = []
    for (const { id, wait } of asked) {
      fragments.push(await wait.tell(id))
      const due = this.#life.log.waits.get(id)?.due
      if (due !== undefined)
        fragments.push(
          this.#life.options.timers.set(spec.principal.userId, spec.id, timerOf(id), due, wait.timeoutMs as number),
        )
    }
    return fragments
  }

  #settle(end: Ending, texts: string[]) {
    const life = this.#life
    const { spec } = life.options.host
    if ('value' in end) texts.push(entryText({ t: 'end' }, end.text))
    else texts.push(entryText({ t: 'end', e: end.error }))
    const clear = [...life.log.waits]
      .filter(([, wait]) => !wait.answered && wait.due !== undefined)
      .flatMap(([id]) => life.options.timers.clear(spec.principal.userId, spec.id, timerOf(id)).statements)
    const told = spec.settled('error' in end ? end : end.value, life.taint)
    const fragment: Fragment = { ...told, statements: [...told.statements, ...clear] }
    return { fragment, tell: () => life.options.host.settled(end) }
  }
}

const nothing: Collected = { staged: [], stages: [], left: [] }

function lineage(requests: readonly Request[]): ReadonlySet<Stage> {
  const stages = new Set<Stage>()
  for (const { stage } of requests) lineageOf(stage, stages)
  return stages
}
