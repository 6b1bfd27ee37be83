/**
 * Checks contents by the guardrails of an agent. Verdicts are recorded, so a replay calls no function and no agent. A
 * check without a verdict counts as failed.
 */
import { asJson, failure, hashText, isObject, type Json, textOfValue } from '../../core/index.ts'
import type { Agent, Routing, StepEntry, StepReport } from '../agent-port.ts'
import type { Report } from '../definitions/report.ts'
import { innerEntry } from '../step/inner-entry.ts'
import { collectTrips, reportTrips } from './collect-trips.ts'
import type { GuardrailVerdict, ReadGuardrail } from './guardrail.ts'

/** The guarded step, and the report that counts the tokens of its judges. */
export interface GuardedStep {
  readonly agent: string
  readonly entry: StepEntry
  readonly report: Report
  /** How often each check has tripped in this execution. */
  readonly trips: Map<string, number>
}

/**
 * Returns the content with which the step continues: each check gets the content that the check before has redacted.
 * @throws AgentError `guardrail.tripped`
 */
export async function checkContent(
  guarded: GuardedStep,
  guardrails: readonly ReadGuardrail[],
  content: Json,
): Promise<Json> {
  let current = content
  for (const guardrail of guardrails) current = await checkOne(guarded, guardrail, current)
  return current
}

async function checkOne(guarded: GuardedStep, guardrail: ReadGuardrail, content: Json): Promise<Json> {
  const { agent, entry, trips } = guarded
  const { name, direction, onTrip, when } = guardrail
  const text = textOfValue(content)
  const verdict = await verdictOf(guarded, guardrail, text)
  if (verdict.pass) return content
  const { reason, redacted } = verdict
  // Beside the call, the model has read the content already.
  const isRedacted = redacted !== undefined && when === 'before'
  const action = isRedacted ? 'redact' : onTrip === 'ask' ? 'ask' : 'stop'
  const check = `${direction} ${name}`
  const nth = trips.get(check) ?? 0
  trips.set(check, nth + 1)
  const id = hashText(`${entry.thread}\n${when}\n${check}\n${nth}`).slice(0, 16)
  entry.onTripped?.({ id, agent, guardrail: name, direction, action })
  entry.recorder.answerNow<Json>({ kind: 'guardrail.tripped', name: check }, () => {
    const { clock, events } = entry.services.platform
    const { userId } = entry.recorder.principal
    events.emit({
      type: 'guardrail.tripped',
      at: clock.now(),
      userId,
      agent,
      guardrail: name,
      direction,
      redacted: isRedacted,
      action,
    })
    return true
  })
  if (isRedacted) return typeof content === 'string' ? redacted : parsed(redacted)
  if (onTrip === 'ask') {
    const question = `The guardrail ${name} of ${agent} stopped the ${direction}: ${reason}. Continue with it?`
    if ((await entry.ctx.ask({ kind: 'confirmation', text: question })) === true) return content
  }
  throw failure('guardrail.tripped', { agent, guardrail: name, direction, reason })
}

/** Redacted JSON that cannot be parsed any more becomes text. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

async function verdictOf(guarded: GuardedStep, guardrail: ReadGuardrail, content: string): Promise<GuardrailVerdict> {
  const { check, name, direction } = guardrail
  const { recorder } = guarded.entry
  if (typeof check !== 'function') return verdictIn(await askAgent(guarded, guardrail, check, content))
  const spec = { class: 'read' as const, input: content }
  const verdict = await recorder.effect<Json>(`guardrail ${direction} ${name}`, spec, async ({ signal }) => {
    return (await check(content, { agent: guarded.agent, direction, signal })) as Json
  })
  return verdictIn(verdict)
}

/** Executes an agent as a check: a separate step inside the turn, as a helper. */
async function askAgent(
  { entry, report }: GuardedStep,
  { name, direction }: ReadGuardrail,
  judge: Agent,
  content: string,
): Promise<Json> {
  const id = `guardrail ${direction} ${name}`
  const helperTrips = collectTrips(entry)
  const done = await entry.recorder.body<Json>(id, async (stage) => {
    const inner = { recorder: stage, input: { content, direction }, thread: `${entry.recorder.step}/${id}` }
    const { live: _, ...unseen } = innerEntry(judge, entry, inner)
    const outcome = await judge.step({
      ...unseen,
      onSpent: (spent) => report.helped(id, spent),
      onTripped: helperTrips.onTripped,
    })
    const value = 'value' in outcome ? outcome.value : null
    return { value, ...(outcome.report ? { report: asJson(outcome.report) } : {}), ...helperTrips.field() }
  })
  const { value, report: spent } = done as { readonly value: Json; readonly report?: Json }
  reportTrips(entry, done)
  if (spent !== undefined) report.helped(id, spent as unknown as StepReport)
  return value
}

function verdictIn(answer: Json): GuardrailVerdict {
  const value = typeof answer === 'string' ? parsed(answer) : answer
  const { pass, reason, redacted } = isObject(value) ? (value as { readonly [name: string]: Json }) : {}
  if (pass === true) return { pass }
  if (pass !== false) return { pass: false, reason: 'the check gave no verdict' }
  const why = typeof reason === 'string' && reason !== '' ? reason : 'the check gave no reason'
  return { pass, reason: why, ...(typeof redacted === 'string' ? { redacted } : {}) }
}

/** Returns the output of the step as its output guardrails leave it. */
export async function checkRouting(
  guarded: GuardedStep,
  guardrails: readonly ReadGuardrail[],
  routing: Routing,
): Promise<Routing> {
  if (guardrails.length === 0) return routing
  if ('value' in routing) return { ...routing, value: await checkContent(guarded, guardrails, routing.value) }
  if (routing.kind === 'handOff') return { ...routing, input: await checkContent(guarded, guardrails, routing.input) }
  const targets = []
  for (const target of routing.targets)
    targets.push({ ...target, input: await checkContent(guarded, guardrails, target.input) })
  return { ...routing, targets }
}
