/**
 * Writes the journal of one step: appends are serial and coalesced, and what belongs to them is in the same change. It
 * outlives the lives of the step's code in this process.
 */
import { type Clock, nextMacrotask, ValidationError } from '../../core/index.ts'
import { checkChange, type Fragment } from '../../storage/index.ts'
import type { JournalWriter } from '../journal-port.ts'
import type { JournalEnd, Made, OwnJournal, Rejection } from './own-journal.ts'

/** An effect that may start once this is durable. */
export interface ClaimRequest {
  readonly text: string
  readonly fragment: Fragment | undefined
  readonly started: () => void
  readonly rejected: (rejection: Rejection) => void
  /** Nobody will ask for it in this life: its effect never starts. */
  readonly dropped: () => void
}

/** A turn's part of an append, made at the moment it is cut. */
export interface TurnPart {
  readonly texts: readonly string[]
  /** In the order in which rooms stand in a change. */
  readonly fragments: () => Promise<readonly Fragment[]>
  /** The step is settled by it, well or not. */
  readonly closes: JournalEnd
  /** The rest of the turn is still to come: what is claimed was made with all of it, and waits. */
  readonly isPart?: true
  /** @param made of its fragments, by their index */
  readonly committed: (made: Made) => void
}

interface Batch {
  texts: string[]
  claims: ClaimRequest[]
  fragments: Fragment[]
  durable: (() => void)[]
}

export interface AppenderOptions {
  readonly clock: Clock
  readonly user: string
  readonly journal: OwnJournal
}

/** What the appender asks of the life of the step that is running. */
export interface AppenderHost {
  /** True while answers are on their way, whose calls may want to be in the same append. */
  deliverable(): boolean
  takeTurn(): TurnPart | undefined
  /** The turn's change was refused; everything else of it is kept for `appendAlone`. */
  turnFailed(rejection: Rejection): void
  /** A staged write could not say what it writes, or storage takes something of the change at no attempt. */
  turnImpossible(error: unknown): void
  leaseLost(): void
  crashed(error: unknown): void
  /** No append is under way any more. */
  idle(): void
}

const emptyBatch = (): Batch => ({ texts: [], claims: [], fragments: [], durable: [] })

export class Appender {
  readonly #options: AppenderOptions
  #open = emptyBatch()
  #wanted = false
  #running: Promise<void> | undefined
  #stopped = false
  /** Their change was refused, or never made. */
  readonly #dropped: ClaimRequest[] = []
  #host: AppenderHost | undefined

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  get writer(): JournalWriter | undefined {
    return this.#options.journal.writer
  }

  get busy(): boolean {
    return this.#running !== undefined
  }

  /** Something waits for the next append. */
  get dirty(): boolean {
    const { texts, claims, fragments } = this.#open
    return texts.length + claims.length + fragments.length > 0
  }

  /** A new life of the step's code begins. */
  attach(host: AppenderHost): void {
    this.#host = host
    this.#stopped = false
    this.#wanted = false
  }

  /** Goes with the next append, whatever causes it. */
  add(text: string, fragment?: Fragment): void {
    this.#open.texts.push(text)
    if (fragment) this.#open.fragments.push(fragment)
  }

  addFragment(fragment: Fragment): void {
    this.#open.fragments.push(fragment)
  }

  /** Runs when what was added so far is durable. */
  whenDurable(run: () => void): void {
    this.#open.durable.push(run)
  }

  claim(request: ClaimRequest): void {
    this.#open.claims.push(request)
    this.flush()
  }

  /** @param now without waiting for what may still come to be in the same append */
  flush(now = false): void {
    this.#wanted = true
    this.#running ??= this.#run(now).finally(() => {
      this.#running = undefined
      if (this.#wanted && !this.#stopped) this.flush()
      else if (!this.#stopped) this.#host?.idle()
    })
  }

  /** Nothing more is written until the next life, or by `appendAlone`. Waits for the append that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wanted = false
    await this.#running
    // Whoever waits for the effects of this life does not wait for those that never start.
    for (const claim of [...this.#dropped.splice(0), ...this.#open.claims.splice(0)]) claim.dropped()
  }

  /**
   * Commits what was recorded, without claims and turns: after a turn that failed, or when the step is given up.
   * @param fenced after a cancel that took the right to write
   * @returns the refusal, where there was one
   */
  async appendAlone(more: readonly string[], fenced = false): Promise<Rejection | undefined> {
    const batch = this.#open
    this.#open = emptyBatch()
    const texts = [...batch.texts, ...more]
    if (texts.length + batch.fragments.length === 0) return undefined
    const result = await this.#commitValid(texts, batch.fragments, fenced)
    if (!result.ok) {
      // Given back, for another attempt in another form.
      this.#open = {
        ...this.#open,
        texts: [...batch.texts, ...this.#open.texts],
        fragments: [...batch.fragments, ...this.#open.fragments],
      }
      return result
    }
    for (const run of batch.durable) run()
    return undefined
  }

  async #run(now: boolean): Promise<void> {
    let quick = now
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false
      if (!quick) await this.#untilIdle()
      quick = false
      if (this.#stopped) return
      const host = this.#host as AppenderHost
      try {
        await this.#append(host)
      } catch (error) {
        this.#stopped = true
        host.crashed(error)
      }
    }
  }

  async #untilIdle(): Promise<void> {
    do await nextMacrotask(this.#options.clock)
    while (this.#host?.deliverable() && !this.#stopped)
  }

  async #append(host: AppenderHost): Promise<void> {
    const batch = this.#open
    this.#open = emptyBatch()
    const turn = host.takeTurn()
    if (turn?.isPart) this.#open.claims = batch.claims.splice(0)
    if (this.#isEmpty(batch, turn)) return
    let turnFragments: readonly Fragment[] = []
    try {
      if (turn) turnFragments = await turn.fragments()
    } catch (error) {
      this.#requeue(batch, true)
      return host.turnImpossible(error)
    }
    try {
      await this.#commitTurn(host, batch, turn, turnFragments)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      batch.fragments = batch.fragments.filter((fragment) => this.#isValid(fragment))
      this.#requeue(batch, true)
      host.turnImpossible(error)
    }
  }

  async #commitTurn(
    host: AppenderHost,
    batch: Batch,
    turn: TurnPart | undefined,
    turnFragments: readonly Fragment[],
  ): Promise<void> {
    for (;;) {
      const texts = [...batch.claims.map((claim) => claim.text), ...batch.texts, ...(turn?.texts ?? [])]
      const claimed = batch.claims.map((claim) => claim.fragment ?? { statements: [] })
      const fragments = [...batch.fragments, ...claimed, ...turnFragments]
      const result = await this.#options.journal.commit(texts, fragments, {
        closes: turn?.closes ?? false,
        fenced: false,
      })
      const before = fragments.length - turnFragments.length
      if (result.ok) return this.#done(batch, turn, (index) => result.made(before + index))
      if (result.part < 0) {
        this.#requeue(batch, true)
        return host.leaseLost()
      }
      const claim = batch.claims[result.part - batch.fragments.length]
      if (claim) {
        batch.claims = batch.claims.filter((each) => each !== claim)
        claim.rejected(result)
        if (this.#isEmpty(batch, turn)) return
      } else return this.#reject(host, batch, result)
    }
  }

  /** What effects brought is kept, whatever comes with it: nothing would make the same fragment valid later. */
  async #commitValid(texts: readonly string[], fragments: readonly Fragment[], fenced: boolean) {
    try {
      return await this.#options.journal.commit(texts, fragments, { closes: false, fenced })
    } catch (error) {
      const valid = fragments.filter((fragment) => this.#isValid(fragment))
      if (valid.length < fragments.length) await this.#options.journal.commit(texts, valid, { closes: false, fenced })
      throw error
    }
  }

  #isValid({ statements, feed = [] }: Fragment): boolean {
    try {
      checkChange({ id: null, scope: { user: this.#options.user }, statements, feed })
      return true
    } catch {
      return false
    }
  }

  #isEmpty(batch: Batch, turn: TurnPart | undefined): boolean {
    return batch.texts.length + batch.claims.length + batch.fragments.length === 0 && !turn
  }

  #done(batch: Batch, turn: TurnPart | undefined, made: Made): void {
    turn?.committed(made)
    for (const run of batch.durable) run()
    for (const claim of batch.claims) claim.started()
  }

  /** Claims that came with it are dropped: their effects never started. */
  #reject(host: AppenderHost, batch: Batch, rejection: Rejection & { readonly part: number }): void {
    this.#requeue(batch, rejection.part >= batch.fragments.length)
    host.turnFailed(rejection)
  }

  #requeue(batch: Batch, withFragments: boolean): void {
    this.#stopped = true
    this.#dropped.push(...batch.claims, ...this.#open.claims)
    this.#open = {
      texts: [...batch.texts, ...this.#open.texts],
      claims: [],
      fragments: withFragments ? [...batch.fragments, ...this.#open.fragments] : this.#open.fragments,
      durable: [],
    }
  }
}
