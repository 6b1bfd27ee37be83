/** Performs the I/O of a step: its journal and its inbox. Each operation ends in exactly one trigger. */
import { isEnvironmentFailure, TroupeError, ValidationError } from '../../core/index.ts'
import { checkChange, type Fragment } from '../../storage/index.ts'
import type { JournalContent } from '../journal-port.ts'
import type { JournalWriter } from '../journals/journal-writer.ts'
import { entryText } from '../replay/log-entry.ts'
import { recordRestart } from '../steps/record-restart.ts'
import { hashOfInput } from '../steps/step-end.ts'
import { needsLease, type StepsContext } from '../steps/steps-context.ts'
import type { StepSpec } from '../steps-port.ts'
import { isEmptyPart, type PreparedTurn, type StepPart } from '../turns/commit-buffer.ts'
import { type JournalOutcome, OwnJournal } from '../turns/own-journal.ts'
import type { IoTrigger } from './trigger.ts'

export type Io =
  /** `isRestart`: this process already owns the journal, and executes the code again. */
  | { readonly do: 'load'; readonly isRestart: boolean }
  | { readonly do: 'readHead' }
  | { readonly do: 'readInbox'; readonly limit: number }
  | { readonly do: 'commit'; readonly part: StepPart }
  /** Records only outcomes of effects. `isFenced`: a cancel has fenced this writer. */
  | { readonly do: 'record'; readonly part: StepPart; readonly isFenced: boolean }

/** A new step has no journal. If there is one, the change that would create it is rejected. */
const noJournal: OpenedStepJournal = { content: undefined }

export class StepExecutor {
  readonly #context: StepsContext
  readonly #spec: StepSpec
  readonly #stopping = new AbortController()
  #journal: OwnJournal | undefined
  #releaseSuspect: () => void = () => {}
  #isReleased = false

  constructor(context: StepsContext, spec: StepSpec) {
    this.#context = context
    this.#spec = spec
  }

  /** Ends the wait of a step in the queue of suspects. */
  stop(): void {
    this.#stopping.abort('parked')
    this.release()
  }

  /** Removes the step from the queue of suspects. */
  release(): void {
    this.#releaseSuspect()
    this.#isReleased = true
  }

  async perform(io: Io): Promise<IoTrigger> {
    switch (io.do) {
      case 'load':
        return io.isRestart ? this.#reload() : this.#load()
      case 'readHead':
        return this.#readHead()
      case 'readInbox': {
        const rows = await this.#context.inbox.read(this.#user, this.#spec.id, io.limit)
        return { on: 'inboxRead', rows }
      }
      case 'commit':
        return this.#commit(io.part)
      case 'record':
        return this.#record(io.part, io.isFenced)
    }
  }

  get #user(): string {
    return this.#spec.principal.userId
  }

  async #load(): Promise<IoTrigger> {
    const { checkLease } = this.#context
    try {
      // A process that has lost the run or the thread meanwhile must not take the journal over from the new owner.
      const asked = needsLease(this.#spec) ? checkLease?.() : undefined
      if (asked) await asked
      const { content, writer } = await openJournal(this.#context, this.#spec)
      if (content && !writer) return { on: 'loaded', content }
      this.#journal = createJournal(this.#context, this.#spec, writer)
      const { signal } = this.#stopping
      const write = (entry: string) => this.#write([entry], [], false)
      const restart = await recordRestart(this.#context, this.#spec, write, content, signal)
      this.#releaseSuspect = restart.over
      if (this.#isReleased) restart.over()
      return { on: 'loaded', content, ...(restart.crashed ? { crashed: restart.crashed } : {}) }
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'journal.lost') return { on: 'headLost' }
      throw error
    }
  }

  async #reload(): Promise<IoTrigger> {
    const content = await this.#context.journals.load(this.#user, this.#spec.id)
    if (content?.epoch !== this.#journal?.writer?.epoch) return { on: 'headLost' }
    return { on: 'loaded', content }
  }

  async #readHead(): Promise<IoTrigger> {
    const content = await this.#context.journals.load(this.#user, this.#spec.id)
    const writer = this.#journal?.writer
    // A journal that was fenced before its first record has no claims, so there is nothing to record.
    const isFenced = content?.fenced !== undefined && (!writer || content.fenced === writer.epoch)
    return { on: 'headRead', isFenced, canRecord: writer !== undefined }
  }

  async #commit(part: StepPart): Promise<IoTrigger> {
    let turn: PreparedTurn = { texts: [], fragments: [] }
    try {
      if (part.turn) turn = await part.turn.prepare()
    } catch (error) {
      if (isEnvironmentFailure(error)) throw error
      return { on: 'invalid', part, error }
    }
    try {
      return await this.#commitWith(part, turn)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      part.fragments = part.fragments.filter((fragment) => isValid(this.#user, fragment))
      return { on: 'invalid', part, error }
    }
  }

  /** Commits a part without its rejected claims. Each rejection becomes the answer of its effect. */
  async #commitWith(part: StepPart, turn: PreparedTurn): Promise<IoTrigger> {
    for (;;) {
      const texts = [...part.claims.map((claim) => claim.text), ...part.entries, ...turn.texts]
      const claimed = part.claims.map((claim) => claim.fragment ?? { statements: [] })
      const fragments = [...part.fragments, ...claimed, ...turn.fragments]
      const result = await this.#writePart(part, texts, fragments)
      const before = fragments.length - turn.fragments.length
      if (result.ok) {
        if (part.turn) await part.turn.reportCommitted((index) => result.made(before + index))
        return { on: 'committed', part: await explained(part) }
      }
      if (result.part < 0) return { on: 'headLost', part }
      const claim = part.claims[result.part - part.fragments.length]
      if (!claim) return { on: 'rejected', part, rejection: result }
      part.claims = part.claims.filter((each) => each !== claim)
      part.rejected.push({ claim, rejection: result })
      if (isEmptyPart(part)) return { on: 'committed', part: await explained(part) }
    }
  }

  /** Commits the end of a step with the next change of its run, unless other writers can cause its rejection. */
  #writePart(part: StepPart, texts: readonly string[], fragments: readonly Fragment[]): Promise<JournalOutcome> {
    const { turn, claims } = part
    if (!turn?.end) return this.#write(texts, fragments, false, turn?.closes)
    const { taint } = turn.end
    const { closes } = turn
    const end = 'error' in turn.end ? { error: turn.end.error } : turn.end.value
    const { commitWithRun, onEnd } = this.#spec
    const writeAlone = () => this.#write(texts, [...fragments, onEnd(end, taint)], false, closes)
    if (!commitWithRun || claims.length > 0 || !fragments.every(isUncontended)) return writeAlone()
    const commit = (change: Fragment) => commitWithRun(end, taint, change)
    const written = (this.#journal as OwnJournal).commitThrough(commit, texts, fragments, {
      closes,
      fenced: false,
      isWithRun: true,
    })
    return written.then((outcome) => {
      if (outcome?.ok) this.#releaseSuspect()
      return outcome ?? writeAlone()
    })
  }

  /** Records outcomes of effects. Invalid fragments are left out, since another attempt would not make them valid. */
  async #record(part: StepPart, isFenced: boolean): Promise<IoTrigger> {
    const texts = [...part.entries, ...part.remarks]
    let result: JournalOutcome
    try {
      result = await this.#write(texts, part.fragments, isFenced)
    } catch (error) {
      const valid = part.fragments.filter((fragment) => isValid(this.#user, fragment))
      if (valid.length < part.fragments.length) await this.#write(texts, valid, isFenced)
      throw error
    }
    return result.ok ? { on: 'recorded', part } : { on: 'recordRejected', part, rejection: result }
  }

  async #write(
    texts: readonly string[],
    fragments: readonly Fragment[],
    fenced: boolean,
    closes: 'completed' | 'failed' | false = false,
  ): Promise<JournalOutcome> {
    const outcome = await (this.#journal as OwnJournal).commit(texts, fragments, { closes, fenced })
    if (outcome.ok) this.#releaseSuspect()
    return outcome
  }
}

/** Returns true if no other writer can make the expectations of the fragment fail, and none waits for the locks of its rows. */
const isUncontended = ({ statements, feed = [], wake = [], isExclusive }: Fragment): boolean =>
  isExclusive === true || (feed.length === 0 && wake.length === 0 && statements.every(({ expect }) => !expect))

/** Opens the journal. The code of a new step begins in a separate macrotask, after the call that started its run has returned. */
async function openJournal(context: StepsContext, spec: StepSpec): Promise<OpenedStepJournal> {
  if (spec.entry !== 'first') return openStepJournal(context, spec)
  await new Promise<void>((resolve) => context.clock.soon(resolve))
  return noJournal
}

function createJournal(
  { storage, journals, clock }: StepsContext,
  { principal, id: step, runId, retention, input, expectations }: StepSpec,
  writer: OwnJournal['writer'],
): OwnJournal {
  const firstRecord = () => entryText({ t: 'started', h: hashOfInput(input) })
  const of = {
    user: principal.userId,
    step,
    isChild: runId !== undefined,
    ...(retention ? { retention } : {}),
    ...(expectations ? { expectations } : {}),
  }
  return new OwnJournal({ storage, journals, clock, ...of, writer, firstRecord })
}

function isValid(user: string, { statements, feed = [] }: Fragment): boolean {
  try {
    checkChange({ id: null, scope: { user }, statements, feed })
    return true
  } catch {
    return false
  }
}

/** Adds to rejections what their claims read, now that the change with the outcomes of earlier effects is durable. */
async function explained(part: StepPart): Promise<StepPart> {
  for (const one of part.rejected) {
    const detail = await one.claim.explain?.(one.rejection.detail ?? {})
    if (detail) one.rejection = { ...one.rejection, detail }
  }
  return part
}

/** Opens the journal of a step that this process is about to execute. */
interface OpenedStepJournal {
  /** Undefined before the first record. */
  readonly content: JournalContent | undefined
  /** Undefined for a journal that is closed or does not exist. */
  readonly writer?: JournalWriter
}

/** Takes over a journal that exists and is not closed. */
async function openStepJournal(
  { journals, clock }: StepsContext,
  { id, principal }: StepSpec,
): Promise<OpenedStepJournal> {
  const content = await journals.load(principal.userId, id)
  if (!content || content.closed) return { content }
  return journals.takeOver(principal.userId, id, clock.now())
}
