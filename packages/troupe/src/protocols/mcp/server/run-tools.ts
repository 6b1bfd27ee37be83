/**
 * Runs as tools. If a call without an id is cancelled or disconnected, its run is cancelled. A run with an id of the caller
 * continues without the call, and a later call with the same id finds it.
 */
import type { CallToolResult, InputRequiredResult, ServerContext, Tool as WireTool } from '@modelcontextprotocol/server'
import { z } from 'zod'
import {
  concealErrors,
  concealErrorsInParts,
  failure,
  type Json,
  parse,
  storeError,
  TimeoutError,
  TimeSlice,
  whenAborted,
} from '../../../core/index.ts'
import { withTimeLimit } from '../../../resilience/index.ts'
import {
  type AskedBy,
  agentStepsOf,
  findQuestion,
  type Run,
  type RunQuestion,
  type RunResult,
  readTeamRequest,
  startAs,
  takesPart,
} from '../../../runs/index.ts'
import type { LeastRole, Operation } from '../../../security/index.ts'
import { askedRunOf, askFor, elicitAnswers } from './elicitation.ts'
import type { McpCaller } from './mcp-identity.ts'
import { mcpToolResult } from './mcp-results.ts'
import { reportProgress } from './report-progress.ts'
import type { ServerSdk } from './server-sdk.ts'

export interface RunToolCall {
  readonly caller: McpCaller
  readonly sdk: ServerSdk
  readonly ctx: ServerContext
  /** Whether the client can ask a person. */
  readonly elicits: boolean
  /** The seq of the last event of the run that was reported as progress; absent before the first. */
  readonly reported?: number
}
type Answer = CallToolResult | InputRequiredResult

interface RunTool {
  readonly definition: WireTool
  readonly operation: Operation
  readonly role: LeastRole
  readonly call: (call: RunToolCall, args: unknown) => Promise<Answer>
}

const longestSeconds = 3_600
const readSeconds = 10
const notItsOwn = 'it is not among its operations'
const run = z.string().min(1).max(256).describe('The id of the run.')
const wait = z
  .number()
  .min(0)
  .max(longestSeconds)
  .default(50)
  .describe('Seconds to wait for the end; afterwards the answer is the status running.')

const result = z.object({
  run: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  success: z.boolean().optional(),
  response: z.unknown().optional(),
  questions: z.array(z.looseObject({ id: z.string(), kind: z.string(), text: z.string() })).optional(),
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).optional(),
  cost: z.object({ usd: z.number(), unknown: z.array(z.string()) }).optional(),
  durationMs: z.number().optional(),
  guard: z.looseObject({ name: z.string() }).optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  uncertain: z.array(z.looseObject({ step: z.string(), call: z.string(), name: z.string() })).optional(),
})

/** The result of a run for a client, who gets no texts of errors of users' code. */
export function shownRun(caller: McpCaller, id: string, found: RunResult): Promise<z.infer<typeof result>> {
  const { status, reason, success, response, questions, usage, cost, durationMs, guard, error, uncertain } = found
  const shown = {
    run: id,
    status,
    ...(reason === undefined ? {} : { reason }),
    success,
    ...(response === undefined ? {} : { response }),
    questions: questions.map((one) => ({ ...one })),
    usage: { ...usage },
    cost: { usd: cost.usd, unknown: [...cost.unknown] },
    durationMs,
    ...(guard ? { guard: { ...guard } } : {}),
    ...(error ? { error: { ...storeError(error) } } : {}),
    ...(uncertain ? { uncertain: uncertain.map((one) => ({ ...one })) } : {}),
  }
  return new TimeSlice(caller.parts.platform.clock).finish(concealErrorsInParts(shown), 1)
}

const shownResult = async (caller: McpCaller, id: string, found: RunResult): Promise<CallToolResult> =>
  answer(caller, await shownRun(caller, id, found))

const answer = (caller: McpCaller, shown: z.infer<typeof result>): Promise<CallToolResult> =>
  mcpToolResult(caller, shown, `The result of the run ${shown.run}`)

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { target: 'draft-2020-12', io }) as WireTool['inputSchema']

function runTool<Args>(spec: {
  readonly name: string
  readonly description: string
  readonly args: z.ZodType<Args>
  readonly operation: Operation
  readonly role: LeastRole
  readonly annotations: NonNullable<WireTool['annotations']>
  readonly call: (call: RunToolCall, args: Args) => Promise<Answer>
}): RunTool {
  const { name, description, args: schema, annotations, operation, role } = spec
  return {
    definition: {
      name,
      description,
      inputSchema: schemaOf(schema, 'input'),
      outputSchema: schemaOf(result, 'output') as NonNullable<WireTool['outputSchema']>,
      annotations,
    },
    operation,
    role,
    call: async (call, args) => spec.call(call, await parse(schema, args ?? {}, `The input of ${name}`)),
  }
}

/** Waits for the result, reports progress, and asks the person at the client if the client can. */
async function awaitOutcome(call: RunToolCall, found: Run, seconds: number): Promise<Answer> {
  const { caller, ctx } = call
  const { clock } = caller.parts.platform
  const { signal } = ctx.mcpReq
  const progress = reportProgress(caller, ctx, found, call.reported ?? 0)
  try {
    const limit = { clock, limitMs: seconds * 1_000, kind: 'wait', what: `The run ${found.id}`, signal }
    const ended = await withTimeLimit(limit, (inner) => found.result({ signal: inner }))
    const reported = await progress.finish()
    return (
      (call.elicits && askFor(call.sdk, { run: found.id, reported }, await askable(caller, found, ended))) ||
      (await shownResult(caller, found.id, ended))
    )
  } catch (error) {
    if (error instanceof TimeoutError) return answer(caller, { run: found.id, status: 'running' })
    throw error
  } finally {
    progress.stop()
  }
}

/** Removes approvals that the client may not give from the questions. */
async function askable(caller: McpCaller, run: Run, ended: RunResult): Promise<RunResult> {
  const questions: RunQuestion[] = []
  for (const question of ended.questions)
    if (question.kind !== 'approval' || (await mayApprove(caller, run, question.id))) questions.push(question)
  return { ...ended, questions: concealErrors(questions) }
}

const orchestraOf = ({ troupe, identity }: McpCaller) => troupe.user(identity.user).orchestra

/**
 * Finds a run for a caller. A caller who acts as an agent sees the results of runs that it started, and only the status of
 * other runs in which its agent has a step.
 * @throws NotFoundError `run.unknown` for any other run
 */
export async function visibleRun(
  caller: McpCaller,
  id: string,
): Promise<{ readonly run: Run; readonly isShown: boolean }> {
  const { parts, identity } = caller
  const run = await orchestraOf(caller).get(id)
  if (identity.agent === undefined) return { run, isShown: true }
  const own = await agentStepsOf(parts.runs.orchestra, identity.user, id, identity.agent)
  if (own.isEmpty && !own.isStarter) throw failure('run.unknown', { run: id })
  return { run, isShown: own.isStarter }
}

/** Returns the status of a run, without its results. */
const statusOf = async (caller: McpCaller, run: Run): Promise<CallToolResult> => {
  const { status, reason } = await run.status()
  return answer(caller, { run: run.id, status, ...(reason === undefined ? {} : { reason }) })
}

/** Approving needs the operation `runs.approve`, and is not allowed for an agent that takes part in the run. */
async function mayApprove({ parts, identity }: McpCaller, run: Run, question: string): Promise<boolean> {
  const { user, agent, may } = identity
  if (!may('runs.approve', 'contributor')) return false
  return agent === undefined || !(await takesPart(parts.runs.orchestra, user, agent, { run: run.id, question }))
}

const runTeam = runTool({
  name: 'run_team',
  description:
    'Runs a team of agents on a task and answers with its result. With an id of yours the run outlives this call, and calling again with the id finds it; without one, cancelling this call cancels the run.',
  operation: 'runs.start',
  role: 'contributor',
  annotations: { readOnlyHint: false, openWorldHint: true },
  args: z.strictObject({
    task: z.unknown().describe('The task: a text, or any JSON that the team accepts.'),
    team: z.string().optional().describe('The name of a team or an agent; optional if there is only one.'),
    id: run.optional().describe('An id of your choice for the run.'),
    thread: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('An id of your choice for a thread; the team gets its messages.'),
    wait,
  }),
  call: async (call, { task, team, id, thread, wait: seconds }) => {
    const { caller, ctx } = call
    const mayAnswer = caller.identity.may('runs.answer', 'contributor')
    const asking = { ...call, elicits: call.elicits && mayAnswer }
    const asked = askedRunOf(ctx.mcpReq.requestState<string>())
    if (asked) {
      if (!mayAnswer) throw failure('request.forbidden', { operation: 'runs.answer', problem: notItsOwn })
      const answering = { ...asking, reported: asked.reported }
      const { run: found, isShown } = await visibleRun(caller, asked.run)
      if (!isShown) return statusOf(caller, found)
      const find = async (question: string) => (await questionOf(caller, found.id, question))?.ask
      // Without an answer: the person declined, or another person was faster.
      if (!(await elicitAnswers(call, found, find, (question) => mayApprove(caller, found, question))))
        return awaitOutcome({ ...answering, elicits: false }, found, seconds)
      // The state comes from the caller, so it must not allow cancelling a run that the caller may not cancel.
      const owns = id === undefined && caller.identity.may('runs.command', 'contributor')
      return owns ? ownedByCall(answering, found, seconds) : awaitOutcome(answering, found, seconds)
    }
    const reference = readTeamRequest(caller.parts.settings, { team })
    const spec = {
      task: task as Json,
      ...reference,
      ...(id === undefined ? {} : { id }),
      ...(thread === undefined ? {} : { threadId: thread }),
    }
    const { user, agent } = caller.identity
    const started = await startAs(caller.parts.runs.orchestra, user, spec, agent)
    if (!(await visibleRun(caller, started.id)).isShown) return statusOf(caller, started)
    return id === undefined ? ownedByCall(asking, started, seconds) : awaitOutcome(asking, started, seconds)
  },
})

/** Waits for the result, and cancels the run if the call is cancelled before. */
async function ownedByCall(call: RunToolCall, owned: Run, seconds: number): Promise<Answer> {
  const { signal } = call.ctx.mcpReq
  const stopWatching = whenAborted(
    signal,
    () =>
      void owned.cancel().catch((error: unknown) =>
        call.caller.parts.observability.log.debug('the run of a cancelled MCP call was not cancelled', {
          error: error as Error,
        }),
      ),
  )
  try {
    return await awaitOutcome(call, owned, seconds)
  } finally {
    stopWatching()
  }
}

const getRun = runTool({
  name: 'get_run',
  description: 'Returns the status of a run and its result; with `wait`, after its end.',
  operation: 'runs.read',
  role: 'readonly',
  annotations: { readOnlyHint: true },
  args: z.strictObject({ run, wait: wait.default(0) }),
  call: async (call, { run: id, wait: seconds }) => {
    const { run: found, isShown } = await visibleRun(call.caller, id)
    if (!isShown) return statusOf(call.caller, found)
    const isRunning = (await found.status()).status === 'running'
    if (isRunning && seconds === 0) return answer(call.caller, { run: id, status: 'running' })
    // A run that has ended is read within a fixed time.
    return awaitOutcome({ ...call, elicits: false }, found, isRunning ? seconds : readSeconds)
  },
})

const questionOf = ({ parts, identity }: McpCaller, run: string, question: string) =>
  findQuestion(parts.runs.orchestra, identity.user, run, question)

/** Whether a step of the caller's agent asked it. */
async function isOwnQuestion({ parts, identity: { user, agent } }: McpCaller, asked: AskedBy | undefined) {
  if (agent === undefined || asked?.step === undefined) return false
  return (await agentStepsOf(parts.runs.orchestra, user, asked.run, agent)).has(asked.step)
}

const answerRun = runTool({
  name: 'answer_run',
  description: 'Answers a question of a waiting run. Approvals are reserved for people.',
  operation: 'runs.answer',
  role: 'contributor',
  annotations: { readOnlyHint: false },
  args: z.strictObject({ run, question: z.string(), value: z.unknown(), wait }),
  call: async (call, { run: id, question, value, wait: seconds }) => {
    const { run: found, isShown } = await visibleRun(call.caller, id)
    const asked = await questionOf(call.caller, id, question)
    if (!isShown && !(await isOwnQuestion(call.caller, asked)))
      throw failure('request.forbidden', {
        operation: 'runs.answer',
        problem: 'a run of another caller asked this question',
      })
    const kind = asked?.ask.kind
    if (kind === 'approval' || kind === 'breakpoint')
      throw failure('request.forbidden', {
        operation: 'runs.answer',
        problem: `only a person may answer ${kind === 'approval' ? 'an approval' : 'a breakpoint'}`,
      })
    await found.answer(question, value as Json)
    if (!isShown) return statusOf(call.caller, found)
    return awaitOutcome(call, found, seconds)
  },
})

const cancelRun = runTool({
  name: 'cancel_run',
  description: 'Cancels a run: its steps clean up, then it ends.',
  operation: 'runs.command',
  role: 'contributor',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  args: z.strictObject({ run }),
  call: async (call, { run: id }) => {
    const { run: found, isShown } = await visibleRun(call.caller, id)
    await found.cancel({ signal: call.ctx.mcpReq.signal })
    if (!isShown) return statusOf(call.caller, found)
    return shownResult(call.caller, id, await found.result())
  },
})

export const runTools: readonly RunTool[] = [runTeam, getRun, answerRun, cancelRun]
