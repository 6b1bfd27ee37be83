/** Explains what a run that has not ended waits for. */

import { type Json, truncateText } from '../../../core/index.ts'
import { childIn } from '../../engine/children/child-run-id.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import { wallTimeOf } from '../../machine/clocks/run-time.ts'
import { hasEnded, type State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { PastRun } from '../past-run.ts'
import { openOf } from './causes.ts'
import { elapsedText } from './elapsed-text.ts'
import type { ExplanationLine } from './explanation-line.ts'

interface RunStatusEntry {
  readonly status: string
  readonly reason: string | null
}
/** The statuses of child runs, by id. */
export type ChildRunStatuses = ReadonlyMap<string, RunStatusEntry>

export function explainWaits(past: PastRun, now: number, childStates?: ChildRunStatuses): readonly ExplanationLine[] {
  if (past.events.length === 0) return []
  const state = past.stateAt(past.events.length)
  if (hasEnded(state)) return []
  const decisions = openOf(past.events).flatMap((event) => {
    const text = describe(event, elapsedText(Math.max(0, now - event.at)))
    return text === undefined ? [] : [{ about: 'waits' as const, text, seq: event.seq }]
  })
  return [...decisions, ...othersOf(state, past.events, now, childStates)]
}

/** @param time for how long the event has not been followed by an answer or a resume */
function describe(event: NumberedEvent, time: string): string | undefined {
  if (event.type === 'question.asked') {
    const { kind, text } = event.ask
    return `It has waited for a person for ${time}: ${event.agent} asks (${kind}) "${truncateText(text, 200)}", to be answered as ${event.question}.`
  }
  if (event.type === 'run.paused')
    return event.breakpoint
      ? `It has waited at a breakpoint (${event.breakpoint.on}) for ${time}: run.inspect() shows it, step() or resume() continues it.`
      : `It was paused by ${event.by}, for ${time}: resume() continues it.`
  if (event.type !== 'step.waiting') return undefined
  const { step, agent, reason, detail } = event
  const fields = (detail ?? {}) as { readonly effect?: Json; readonly problem?: Json }
  if (reason === 'uncertain')
    return `Whether the effect ${fields.effect} of ${agent} (${step}) happened has been unknown for ${time}: find out, then call run.resolve().`
  if (reason === 'code.changed')
    return `The code of ${agent} no longer fits the record of ${step}: ${fields.problem}. Run the version that began it. It has waited for ${time}.`
  return `The failure of ${agent} (${step}) has waited at a breakpoint for ${time}: resume() lets it fail, edit() gives a result instead.`
}

/** Explains the waits that end without a person. */
function othersOf(
  state: State,
  events: readonly NumberedEvent[],
  now: number,
  childStates: ChildRunStatuses = new Map(),
): readonly ExplanationLine[] {
  const view = viewOf(state)
  const sentences: ExplanationLine[] = []
  const add = (text: string) => void sentences.push({ about: 'waits', text })
  for (const { agent, kind, slots, state: is } of view.joins()) {
    const missing = slots.filter(({ result }) => result === undefined).map((slot) => slot.agent)
    if (kind === 'fork' && is === 'open' && missing.length > 0)
      add(
        `${agent} waits for ${missing.join(', ')} (${slots.length - missing.length} of ${slots.length} have arrived).`,
      )
    else if (kind === 'merge' && is === 'open') add(`${agent} waits for branches that can still reach it.`)
  }
  for (const { status, node, after } of view.branches()) {
    const due = after === undefined ? undefined : view.timerDue(after)
    if (status === 'delayed' && after !== undefined && due !== undefined)
      add(`${node} is retried in ${elapsedText(Math.max(0, wallTimeOf(state, after, due) - now))}, after a failure.`)
    else if (status === 'ready' && !view.isPaused) add(`${node} waits for a free slot.`)
  }
  for (const { id, agent, status, reason, openQuestions, openRequests } of view.steps()) {
    const since = events.findLast((event) => 'step' in event && event.step === id)?.at ?? now
    const time = elapsedText(Math.max(0, now - since))
    if (status === 'running') add(`${agent} has executed ${id} for ${time}.`)
    if (status === 'running' || reason !== 'parked') continue
    const children = childrenOf(events, id)
    for (const child of children)
      add(`${agent} (${id}) waits for ${describeRun(child, childStates.get(child))}, for ${time}.`)
    if (children.length + openQuestions + openRequests === 0)
      add(`${agent} (${id}) waits for a reply from outside the run, for ${time}.`)
  }
  return sentences
}

function describeRun(run: string, found?: RunStatusEntry): string {
  if (!found) return `the run ${run} that it started`
  const { status, reason } = found
  return `the run ${run} that it started, and that is ${status}${reason === null ? '' : ` (${reason})`}: ask why of that one`
}

/** Returns the child runs that a parked step waits for. */
function childrenOf(events: readonly NumberedEvent[], step: string): readonly string[] {
  const parked = events.findLast((event) => event.type === 'step.waiting' && event.step === step)
  const waits = parked?.type === 'step.waiting' && Array.isArray(parked.detail) ? parked.detail : []
  return waits.flatMap((wait) => childIn(String(wait)) ?? [])
}
