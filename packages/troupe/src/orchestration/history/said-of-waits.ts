/** What a run that is not over waits for. */
import { duration, type Json } from '../../core/index.ts'
import { hasEnded, type State } from '../core/state.ts'
import { childIn } from '../orchestra/child-names.ts'
import type { NumberedEvent } from '../orchestra/run-event.ts'
import { openOf } from './because.ts'
import type { PastRun } from './past-run.ts'
import type { Sentence } from './sentence.ts'

interface RunStanding {
  readonly status: string
  readonly reason: string | null
}
/** Of runs, by id. */
export type Standings = ReadonlyMap<string, RunStanding>

export function saidOfWaits(past: PastRun, now: number, below?: Standings): readonly Sentence[] {
  if (past.events.length === 0) return []
  const state = past.stateAt(past.events.length)
  if (hasEnded(state)) return []
  const decisions = openOf(past.events).flatMap((event) => {
    const text = sentenceOf(event)
    return text === undefined ? [] : [{ about: 'waits' as const, text: `${text} ${ago(event, now)}`, seq: event.seq }]
  })
  return [...decisions, ...othersOf(state, past.events, now, below)]
}

const ago = ({ at }: NumberedEvent, now: number) => `(for ${duration(Math.max(0, now - at))})`

function sentenceOf(event: NumberedEvent): string | undefined {
  if (event.type === 'question.asked') {
    const { kind, text } = event.ask
    return `It waits for a person: ${event.agent} asks (${kind}) "${text.slice(0, 200)}", to be answered as ${event.question}.`
  }
  if (event.type === 'run.paused')
    return event.breakpoint
      ? `It stands at a breakpoint (${event.breakpoint.on}): run.inspect() shows it, step() or continue() goes on.`
      : `It was paused by ${event.by}: continue() goes on.`
  if (event.type !== 'step.waiting') return undefined
  const { step, agent, reason, detail } = event
  const told = (detail ?? {}) as { readonly effect?: Json; readonly problem?: Json }
  if (reason === 'uncertain')
    return `Nobody knows whether the effect ${told.effect} of ${agent} (${step}) happened: find out, and settle it with run.settle().`
  if (reason === 'code.changed')
    return `The code of ${agent} no longer fits the record of ${step}: ${told.problem}. Run the version that began it.`
  return `The failure of ${agent} (${step}) is held at a breakpoint: continue() lets it fail, edit() gives a result instead.`
}

/** What moves by itself or by others. */
function othersOf(
  state: State,
  events: readonly NumberedEvent[],
  now: number,
  below: Standings = new Map(),
): readonly Sentence[] {
  const sentences: Sentence[] = []
  const says = (text: string) => void sentences.push({ about: 'waits', text })
  for (const { agent, kind, slots, state: is } of state.barriers.values()) {
    const missing = slots.filter(({ result }) => result === undefined).map((slot) => slot.agent)
    if (kind === 'fork' && is === 'open' && missing.length > 0)
      says(`${agent} waits for ${missing.join(', ')} (${slots.length - missing.length} of ${slots.length} have come).`)
    else if (kind === 'meeting' && is === 'open') says(`${agent} waits for branches that can still come to it.`)
  }
  for (const { status, node, after } of state.branches.values()) {
    const due = after === undefined ? undefined : state.timers.get(after)?.due
    if (status === 'delayed' && due !== undefined)
      says(`${node} is tried again in ${duration(Math.max(0, due - now))}, after a failure.`)
    else if (status === 'ready' && state.pausedBy === undefined) says(`${node} waits until one of its places is free.`)
  }
  for (const { id, agent, status, reason, openQuestions, openRequests } of state.steps.values()) {
    const since = events.findLast((event) => 'step' in event && event.step === id)?.at ?? now
    const time = duration(Math.max(0, now - since))
    if (status === 'running') says(`${agent} is at work on ${id}, for ${time}.`)
    if (status === 'running' || reason !== 'parked') continue
    const children = childrenOf(events, id)
    for (const child of children) says(`${agent} (${id}) waits for ${toldOf(child, below.get(child))}, for ${time}.`)
    if (children.length + openQuestions + openRequests === 0)
      says(`${agent} (${id}) waits for a reply from outside the run, for ${time}.`)
  }
  return sentences
}

function toldOf(run: string, standing?: RunStanding): string {
  if (!standing) return `the run ${run} that it started`
  const { status, reason } = standing
  return `the run ${run} that it started, and that is ${status}${reason === null ? '' : ` (${reason})`}: ask why of that one`
}

/** The runs that a parked step waits for. */
function childrenOf(events: readonly NumberedEvent[], step: string): readonly string[] {
  const parked = events.findLast((event) => event.type === 'step.waiting' && event.step === step)
  const waits = parked?.type === 'step.waiting' && Array.isArray(parked.detail) ? parked.detail : []
  return waits.flatMap((wait) => childIn(String(wait)) ?? [])
}
