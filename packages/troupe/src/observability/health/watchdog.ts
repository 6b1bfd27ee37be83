/**
 * Finds stalled work: an executing step or a delivered message without events for too long. It listens to events and changes
 * nothing.
 */
import type { Clock, EventFields, Events, Json } from '../../core/index.ts'

export interface StalledWork {
  readonly kind: 'step' | 'message' | 'outbox'
  readonly id: string
  readonly userId?: string
  readonly agent?: string
  readonly runId?: string
  readonly forMs: number
}

interface Watched extends Omit<StalledWork, 'forMs'> {
  /** The time of its last event, by the monotonic clock. */
  at: number
  isReported: boolean
}

/** The highest number of watched items; beyond it the oldest are no longer watched. */
const maxWatched = 50_000

const begins: Readonly<Record<string, StalledWork['kind']>> = {
  'step.started': 'step',
  'step.resumed': 'step',
  'message.received': 'message',
  'outbox.failed': 'outbox',
}
/** The key of a failure that concerns the outboxes of all users. A user's outbox has the id of the user after it. */
const wholeOutbox = 'outbox'
const ends = new Set<string>([
  'step.completed',
  'step.failed',
  'step.waiting',
  'message.acknowledged',
  'message.nacked',
  'message.dead-lettered',
  'message.sent',
])

export class Watchdog {
  readonly #clock: Clock
  readonly #events: Events
  readonly #afterMs: number
  readonly #watched = new Map<string, Watched>()
  readonly #off: () => void

  constructor(parts: { readonly clock: Clock; readonly events: Events; readonly afterMs: number }) {
    this.#clock = parts.clock
    this.#events = parts.events
    this.#afterMs = parts.afterMs
    this.#off = parts.events.on('*', (event) => this.#observe(event))
  }

  /** Returns the stalled work. */
  stalled(): readonly StalledWork[] {
    const now = this.#clock.monotonic()
    return [...this.#watched.values()]
      .filter(({ at }) => now - at >= this.#afterMs)
      .map(({ at, isReported: _, ...work }) => ({ ...work, forMs: now - at }))
  }

  /** Emits `work.stalled` for newly stalled work. */
  check(): void {
    const now = this.#clock.monotonic()
    for (const work of this.#watched.values()) {
      if (work.isReported || now - work.at < this.#afterMs) continue
      work.isReported = true
      const { at, isReported: _, ...rest } = work
      this.#events.emit({ type: 'work.stalled', at: this.#clock.now(), forMs: now - at, ...rest })
    }
  }

  close(): void {
    this.#off()
  }

  #observe(event: EventFields): void {
    const kind = begins[event.type]
    if (kind) this.#watch(kind, event)
    // Another process continues a lost step, and the further events of the step are emitted there.
    else if (ends.has(event.type) || (event.type === 'step.released' && event.status === 'lost'))
      for (const key of keysOf(event)) this.#watched.delete(key)
    // Any event of a step shows that it makes progress.
    else for (const span of [event.span, event.parent]) this.#refresh(span)
  }

  #watch(kind: StalledWork['kind'], event: EventFields): void {
    const [key] = keysOf(event)
    // A mailbox that keeps failing counts as stalled since the first failure.
    if (key === undefined || (kind === 'outbox' && this.#watched.has(key))) return
    const { userId, agent, to, runId, step, id } = event
    this.#watched.delete(key)
    this.#watched.set(key, {
      kind,
      id: String(step ?? id ?? kind),
      ...(userId === undefined ? {} : { userId }),
      ...textOf('agent', agent ?? to),
      ...textOf('runId', runId),
      at: this.#clock.monotonic(),
      isReported: false,
    })
    if (this.#watched.size > maxWatched) this.#watched.delete(this.#watched.keys().next().value as string)
  }

  #refresh(span: Json | undefined): void {
    const work = typeof span === 'string' ? this.#watched.get(`step ${span}`) : undefined
    if (!work) return
    work.at = this.#clock.monotonic()
    work.isReported = false
  }
}

function keysOf({ type, span, id, userId }: EventFields): readonly string[] {
  const outbox = `outbox ${String(userId)}`
  if (type === 'outbox.failed') return [userId === undefined ? wholeOutbox : outbox]
  if (type === 'message.sent') return [wholeOutbox, outbox]
  if (type.startsWith('step.')) return typeof span === 'string' ? [`step ${span}`] : []
  return [`message ${String(userId)} ${String(id)}`]
}

const textOf = (name: string, value: Json | undefined) => (typeof value === 'string' ? { [name]: value } : {})
