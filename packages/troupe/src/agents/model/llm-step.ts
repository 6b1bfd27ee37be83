/**
 * One step of an LlmAgent: turns of one model call and its tool results, on the recorder of the step. The messages of a
 * turn are appended to the thread in the change that commits the turn, so that a stored thread always has complete
 * turns.
 */
import { asJson, failure, type Json, joinTaint, type TaintLabel, textOfValue, truncateText } from '../../core/index.ts'
import type { ModelAnswer } from '../../models/index.ts'
import { checkStepEntry, type Outcome, type Routing, type StepEntry } from '../agent-port.ts'
import { withSpent } from '../definitions/failed-spending.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import { Report } from '../definitions/report.ts'
import { Handles } from '../flows/handles.ts'
import { KnownTexts } from '../flows/known-texts.ts'
import { checkContent, checkRouting, type GuardedStep } from '../guardrails/check-content.ts'
import { askCompacting, compactThread } from '../memory/compact-thread.ts'
import { extractFacts, type NewFact, storeFacts } from '../memory/extract-facts.ts'
import { storeEpisode } from '../memory/retrieve-notes.ts'
import { askSummary } from './ask-model.ts'
import { carriedText, summaryByRules } from './content/carried-text.ts'
import {
  answerContent,
  answerText,
  assistantMessage,
  messageJson,
  pendingCallsOf,
  toolMessage,
  userMessage,
} from './content/model-messages.ts'
import { structuredText } from './content/structured-text.ts'
import { visibleMessage } from './content/unsent.ts'
import { type CallsDone, executeCalls } from './execute-calls.ts'
import type { LlmRun } from './llm-run.ts'
import { createOffer, type Offer } from './offer.ts'
import {
  diagnosis,
  maxFormSteers,
  maxSteers,
  onlyFinishEnds,
  steerCut,
  steerEmpty,
  steerFailed,
  steerOutput,
  steerToTool,
} from './steering.ts'
import { Thread } from './thread.ts'

const defaultMaxTurns = 50
/** The number of consecutive turns with only invalid calls after which the step ends. */
const maxWrongTurns = 5

/** Executes a step. @throws the error of the model, of a guard or of a budget; AgentError `model.answer`, `agent.turns` */
export async function llmStep(definition: LlmDefinition, entry: StepEntry): Promise<Outcome> {
  checkStepEntry(definition.name, entry)
  const report = new Report(entry.onSpent)
  try {
    const guarded: GuardedStep = { agent: definition.name, entry, report, trips: new Map() }
    const { input, output } = definition.guardrails
    const before = input.filter(({ when }) => when === 'before')
    const checked = before.length === 0 ? entry.input : await checkContent(guarded, before, entry.input)
    const routing = await runTurns(definition, guardedEntry(definition, entry, checked), report)
    const leaving = await checkRouting(guarded, output, routing)
    const text = leaving !== routing && 'value' in leaving ? { text: textOfValue(leaving.value) } : {}
    return { ...leaving, report: { ...report.of(), ...text } }
  } catch (error) {
    throw entry.recorder.signal.aborted ? error : withSpent(error, report.spent)
  }
}

/** Returns the entry without live text if a guardrail checks the output, because the guardrail may reject the text. */
function guardedEntry({ guardrails }: LlmDefinition, entry: StepEntry, input: Json): StepEntry {
  if (guardrails.output.length === 0) return { ...entry, input }
  const { live: _, ...unseen } = entry
  return { ...unseen, input }
}

/** The work during the first model call: checks of the input, and the extraction of its facts. */
async function besideCall(run: LlmRun): Promise<readonly NewFact[]> {
  const { definition, entry, report } = run
  const beside = definition.guardrails.input.filter(({ when }) => when === 'beside')
  if (beside.length === 0) return extractFacts(run)
  const guarded: GuardedStep = { agent: definition.name, entry, report, trips: new Map() }
  const [facts] = await Promise.all([extractFacts(run), checkContent(guarded, beside, entry.input)])
  return facts
}

async function runTurns(definition: LlmDefinition, entry: StepEntry, report: Report): Promise<Routing> {
  const inputTaint = entry.recorder.taint
  const thread = await Thread.open(entry)
  thread.begin(entry.input, entry.results)
  entry.onThread?.((stored) => thread.unsaved(stored))
  const offer = await createOffer(definition, entry, report, thread)
  const run: LlmRun = {
    definition,
    entry,
    thread,
    offer,
    report,
    texts: textsBefore(definition, entry, { inputTaint, thread, offer }),
    handles: handlesOf(entry, thread, offer),
  }
  const limit = definition.settings.maxTurns ?? defaultMaxTurns
  let wrong = 0
  let steers = 0
  for (let turn = 1; turn <= limit; turn++) {
    // The turn before commits in the change that claims this call; a call without a budget is not claimed, and follows it.
    const committed = turn > 1 ? entry.recorder.commit() : undefined
    if (!entry.services.limits.budget) await committed
    await compactThread(run, committed)
    const [modelAnswer, facts = []] = await Promise.all([
      askCompacting(run, turn, committed),
      turn === 1 ? besideCall(run) : undefined,
      committed,
    ])
    storeFacts(run, facts)
    const answer = thread.withFreeIds(modelAnswer)
    report.answered(answer)
    const message = assistantMessage(answer)
    if (message) thread.add(message)
    const calls = pendingCallsOf(answer)
    let routing: Routing | undefined
    if (calls.length > 0) {
      const done = await executeCalls(run, turn, calls)
      if (done.results.length > 0) run.texts.learn(thread.add(toolMessage(done.results)), entry.recorder.taint)
      routing = done.routing
      wrong = done.allWrong ? wrong + 1 : 0
      steers = 0
      if (wrong >= maxWrongTurns) throw misused(run, wrong, done, answer)
    } else {
      const read = await readText(run, answer, steers)
      if ('routing' in read) routing = read.routing
      else {
        if (steers >= (read.isForm ? maxFormSteers : maxSteers)) throw unsteered(run, steers, answer)
        thread.add(userMessage(read.steer(++steers)))
      }
    }
    thread.stage()
    if (!routing) continue
    const resolved = resolvedRouting(run, routing)
    if ('value' in resolved) storeEpisode(definition, entry, resolved.value)
    return await carriedByModel(run, resolved)
  }
  throw failure('agent.turns', { agent: definition.name, limit })
}

/** Returns the texts that the step has before its first model call, each with its labels. */
function textsBefore(
  { instructions, memory }: LlmDefinition,
  { input, results, recorder }: StepEntry,
  {
    inputTaint,
    thread,
    offer,
  }: { readonly inputTaint: readonly TaintLabel[]; readonly thread: Thread; readonly offer: Offer },
): KnownTexts {
  const texts = new KnownTexts()
  if (typeof instructions === 'string') texts.learn(instructions, [])
  texts.learn(memory.pinned ?? [], [])
  for (const { inputSchema } of offer.declared) texts.learnNames(inputSchema)
  texts.learn(input, inputTaint)
  texts.learn((results ?? []) as Json, inputTaint)
  for (const { message, taint } of thread.stored)
    if (message.role !== 'assistant') texts.learn(messageJson(visibleMessage(message)), taint)
  texts.learn(offer.system, recorder.taint)
  return texts
}

function handlesOf({ ctx }: StepEntry, thread: Thread, { hides }: Offer): Handles | undefined {
  if (!hides) return undefined
  const handles = new Handles(() => ctx.random())
  handles.load(thread.stored.map(({ message }) => message))
  return handles
}

/** Replaces handles in the output of the step by their values, with their labels. */
function resolvedRouting({ handles, entry }: LlmRun, routing: Routing): Routing {
  if (!handles) return routing
  const { value, labelled } = handles.resolve(asJson(routing))
  if (labelled.length === 0) return routing
  entry.recorder.addTaint(joinTaint(...labelled.map(({ labels }) => labels)))
  return value as unknown as Routing
}

type Read = { readonly routing: Routing } | { readonly steer: (attempt: number) => string; readonly isForm?: true }

/** Reads a text without calls: it is the agent's value if that has one target, else the model is asked again. */
async function readText({ definition, entry }: LlmRun, answer: ModelAnswer, steers: number): Promise<Read> {
  const text = answerText(answer)
  if (text.trim() === '') {
    if (answer.finish === 'content-filter')
      throw failure('model.answer', {
        agent: definition.name,
        attempts: 1,
        problem: "the provider's content filter stopped it",
      })
    if (isCut(answer)) return { steer: () => steerCut, isForm: true }
    const value = filesOf(answer)
    if (value.length > 0 && entry.flow.value !== undefined && !definition.output && !hasFailed(answer))
      return { routing: { kind: 'value', value } }
    return { steer: (attempt) => (entry.flow.value === undefined ? steerToTool(entry.flow, attempt) : steerEmpty) }
  }
  if (hasFailed(answer)) return { steer: () => steerFailed, isForm: true }
  const isValue = entry.flow.value !== undefined
  if (!isValue && (steers === 0 || !onlyFinishEnds(entry.flow)))
    return { steer: (attempt) => steerToTool(entry.flow, attempt) }
  // A model that answers in text again, after it was asked to call `finish`, means the text as its answer.
  const kind = isValue ? 'value' : 'finish'
  if (!definition.output) return { routing: { kind, value: text } }
  const found = await structuredText(definition.output, text)
  return found.ok
    ? { routing: { kind, value: found.value } }
    : { steer: () => (isCut(answer) ? steerCut : steerOutput(found.problem)), isForm: true }
}

/** Returns the files of an answer, which are its value if it has no text. */
const filesOf = (answer: ModelAnswer): Json[] =>
  answerContent(answer).flatMap((part) => (part.type === 'file' ? [asJson(part)] : []))

const isCut = ({ finish }: ModelAnswer) => finish === 'length'
/** Returns whether the provider gave up on the answer, such as Google on a malformed call after half a text. */
const hasFailed = ({ finish }: ModelAnswer) => finish === 'error'
const failedProblem = 'its provider reports that it failed to finish its last answer'
const cutProblem = 'the maximum number of tokens cut off its last answer (raise maxOutputTokens, or ask for less)'

const misused = ({ definition }: LlmRun, attempts: number, done: CallsDone, answer: ModelAnswer) =>
  failure('model.answer', {
    agent: definition.name,
    attempts,
    problem: `none of its calls could be carried out${isCut(answer) ? `, and ${cutProblem}` : ''}; the last: ${done.lastProblem}`,
  })

function unsteered({ definition, entry, offer }: LlmRun, steers: number, answer: ModelAnswer) {
  const text = answerText(answer)
  const began = text.trim() === '' ? '' : `; the last began with "${truncateText(text, 120)}"`
  const ended = isCut(answer) ? cutProblem : hasFailed(answer) ? failedProblem : undefined
  const problem = ended
    ? `${ended}${began}`
    : entry.flow.value === undefined
      ? diagnosis(entry.flow, [...offer.tools.keys()], text)
      : began === ''
        ? 'its answers stayed empty'
        : `its answers never took the form asked for${began}`
  return failure('model.answer', { agent: definition.name, attempts: steers + 1, problem } satisfies Record<
    string,
    Json
  >)
}

/** The highest number of tokens of a summary by a model. */
const summaryTokens = 1_000

/**
 * Adds the carried part to a hand-off: the complete thread, or a summary by the agent's model, or by rules if that model is
 * offline, fails or returns no text.
 */
async function carriedByModel(run: LlmRun, routing: Routing): Promise<Routing> {
  const { definition, thread } = run
  const { history } = definition.handOff
  if (routing.kind !== 'handOff' || history === undefined || history === 'none') return routing
  const carried = thread.history(definition.name)
  if (history === 'all') return { ...routing, carried }
  const text = await askSummary(run, carriedText(carried) ?? '', summaryTokens)
  return {
    ...routing,
    carried: text === '' ? summaryByRules(carried) : { kind: 'summary', lines: [{ from: definition.name, text }] },
  }
}
