/**
 * Executes one recorded tool call with edited arguments, as a run of one step: with a journal, a budget, approvals and an
 * audit record like any run. The recorded run does not change.
 */
import {
  type Agent,
  BaseLlmAgent,
  definitionOf,
  recordedArguments,
  toolCallAgent,
  toolOf,
} from '../../../agents/index.ts'
import {
  checkName,
  failure,
  invalidInput,
  type Json,
  joinTaint,
  type TaintLabel,
  type UserId,
} from '../../../core/index.ts'
import { stepJournal } from '../../../journal/index.ts'
import { type ApprovalNeed, approvalNeed, parseArguments, type Tool } from '../../../tools/index.ts'
import { lowerLimits, teamRules } from '../../../topology/index.ts'
import { PastRun } from '../../history/past-run.ts'
import { executedSteps } from '../../history/steps/executed-steps.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import { happened } from '../forks/reject-repeated.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { recordRead } from '../record-read.ts'
import { prepareRun } from '../starts/start-run.ts'
import { recordedTaint } from '../store/note-run-taint.ts'
import { withCall } from './pinned-call.ts'

/** Names a tool call of a run, as `run.calls` lists it. */
export interface ToolCallReference {
  readonly run: string
  readonly step: string
  readonly call: string
}

/** What a new call of a recorded call's tool would do. It calls nothing. */
export interface ToolCallPlan {
  /** The name of the agent that made the call. */
  readonly agent: string
  /** The tool as the agent has it now. */
  readonly tool: Tool
  /** Whether a call of the tool needs an approval, by its definition and the policy rules of the recorded run. */
  readonly approval: ApprovalNeed
  /** The recorded arguments. */
  readonly args: Json
  /** True if the recorded call is of class `at-most-once` and happened, or may have happened. */
  readonly isRepeat: boolean
  /** Why the given arguments are rejected; absent if they fit. */
  readonly problem?: string
}

interface ToolCallOptions {
  readonly args: Json
  readonly id?: string
  /** Allows a new call although the recorded one, of class `at-most-once`, happened or may have happened. */
  readonly repeat?: boolean
}

/** The names of calls of tools in the journal of a step, outside of tools and helper agents: `/effect:TOOL T.I#N`. */
const toolCallName = /^\/effect:(.+) (\d+)\.(\d+)#\d+$/s
const handle = /handle:[0-9a-f]{32}/

/**
 * @param asked `args`: the arguments that are checked; none by default
 * @throws NotFoundError `run.unknown`, `call.unknown`; ConflictError `call.unavailable`, `run.agents_missing`,
 * `replay.expired`
 */
export async function planToolCall(
  host: OrchestraHost,
  user: UserId,
  asked: ToolCallReference & { readonly args?: unknown },
): Promise<ToolCallPlan> {
  const { agent, tool, args, isRepeat, pinned } = await findCall(host, user, asked)
  recordRead(host.parts, user, asked.run)
  const problem =
    asked.args === undefined
      ? undefined
      : await checkArguments(tool, asked.args as Json).then(
          () => undefined,
          (error: Error) => error.message,
        )
  const own = agent instanceof BaseLlmAgent ? definitionOf(agent).rules : []
  const approval = approvalNeed(tool, [host.parts.agents.services.guard.rules, ...teamRules(pinned.config), own])
  return { agent: agent.name, tool, approval, args, isRepeat, ...(problem === undefined ? {} : { problem }) }
}

/**
 * Starts the run and returns its id. The task is the tool with its arguments.
 * @throws the errors of `planToolCall`; ValidationError for arguments that do not fit the schema; ConflictError
 * `effect.repeated`
 */
export async function callRecordedTool(
  host: OrchestraHost,
  user: UserId,
  reference: ToolCallReference,
  { args, id, repeat = false }: ToolCallOptions,
): Promise<string> {
  const { parts } = host
  const { run, step, call } = reference
  const { agent, tool, isRepeat, taint, pinned: source } = await findCall(host, user, reference)
  await checkArguments(tool, args)
  if (isRepeat && !repeat)
    throw failure('effect.repeated', { run, names: `${tool.name} (${step})`, effects: [{ run, step, call }] })
  const topology = parts.agents.resolveTeam({ agent: toolCallAgent(agent, tool.name) }, 'The call')
  const { budget, timeouts, policies } = source.config
  const { limits } = parts.settings
  const spec = prepareRun({ task: { tool: tool.name, args }, taint, topology }, parts.agents.checkContext, limits)
  const config = {
    ...spec.pinned.config,
    budget: lowerLimits(budget, limits),
    timeouts,
    ...(policies ? { policies } : {}),
  }
  const pinned = withCall({ ...spec.pinned, config }, { ...reference, tool: tool.name })
  const operation = { actor: 'host', operation: 'run.call-tool', resource: run }
  const statements = parts.reporting.audit?.written(user, operation) ?? []
  const next = id === undefined ? parts.platform.ids.next() : checkName('run', id)
  return host.begin(user, { run: next, spec: { ...spec, pinned, tags: [`call:${run}`], statements } })
}

/** @throws ValidationError for arguments that do not fit the schema, and for those with a handle */
async function checkArguments(tool: Tool, args: Json): Promise<void> {
  await parseArguments(tool, args)
  if (!handle.test(JSON.stringify(args))) return
  throw invalidInput(
    `The arguments of ${tool.name}`,
    'they hold a handle, whose value only the recorded conversation has; write the value',
  )
}

interface FoundCall {
  readonly agent: Agent
  readonly tool: Tool
  readonly args: Json
  readonly isRepeat: boolean
  /** The labels of everything that the step and its run had read. */
  readonly taint: readonly TaintLabel[]
  readonly pinned: Pinned
}

async function findCall(host: OrchestraHost, user: UserId, { run, step, call }: ToolCallReference): Promise<FoundCall> {
  const { records, pinned, agents } = await host.source(user, run)
  const { journal, agents: own, stores } = host.parts
  const effects = await journal.steps.effects(user, stepJournal(run, step))
  const effect = effects.find((one) => one.call === call)
  const command = executedSteps(PastRun.of(run, records)).started.get(step)
  if (!effect || !command) throw failure('call.unknown', { run, step, call })
  const unavailable = (problem: string) => failure('call.unavailable', { call, step, problem })
  const [, name, turn, position] = toolCallName.exec(call) ?? []
  const agent = agents.get(command.agent)
  if (name === undefined || !agent) throw unavailable('the model of the step did not call a tool with it')
  if (agent.access.deny?.includes(name)) throw failure('access.denied', { agent: agent.name, action: name })
  const tool = await toolOf(agent, name, own.services)
  if (!tool) throw unavailable(`the agent ${agent.name} has no tool ${name} now`)
  const answer = effects.find((one) => one.call === `/effect:model ${turn}#1`)?.output
  const args = effect.input ?? recordedArguments(answer, Number(position))
  if (args === undefined) throw unavailable('its arguments are not recorded')
  const row = await stores.store.get(user, run)
  const taint = joinTaint(
    command.taint ?? [],
    ...effects.map((one) => one.taint ?? []),
    // The step also has the labels of entries, messages and memories that it read; its end records them.
    row ? await recordedTaint(host.parts, user, row) : [],
    own.services.guard.people ?? [],
  )
  const isRepeat = effect.class === 'at-most-once' && happened.has(effect.state)
  return { agent, tool, args, isRepeat, taint, pinned }
}
