/** Runs a team on a task, and shows it at work. */
import { setTimeout } from 'node:timers/promises'
import type { RunConfig } from '../../../topology/index.ts'
import {
  type CliCommand,
  type CommandContext,
  type ConnectOptions,
  listed,
  type Options,
  text,
} from '../../cli-command.ts'
import { type ExitCode, exitCodes } from '../../exit-codes.ts'
import { RunTree, type TreeEvent } from '../../output/run-tree.ts'
import { safe } from '../../output/safe.ts'
import { widthOf } from '../../output/width.ts'
import { readValue } from '../../read-value.ts'
import { requireConfig } from '../../teams/missing-config.ts'
import type { CliClient } from '../../transport/cli-client.ts'
import { isResult, questionsOf, type ShownQuestion, type ShownResult, type Status, showResult } from './show-result.ts'

export const runCommand: CliCommand = {
  name: 'run',
  parameters: '<team> <task>',
  description: 'Run a team: one of the configuration, an agent, or the file of a team',
  options: [
    ['--id <run>', 'The id of the run; if it exists already, the command follows it'],
    ['--tags <names>', 'Tags of the run, separated by commas'],
    ['--thread <id>', 'Continue this thread: the team gets its messages, and the answer is added'],
    ['--budget <json>', 'Limits of the run: { steps, depth, hops, branches, tokens, cost, time }'],
    ['--detach', 'Print the id and exit; the server continues the run'],
  ],
  async run(context, [team = '', task = ''], options) {
    const loaded = context.flags.url === undefined && !isFile(team) ? await context.withTeams() : undefined
    // Before a database is made for nothing.
    if (loaded) requireConfig(loaded, false)
    const body = await startOf(context, team, task, options)
    const client = await context.client({ code: true, absent: 'made', ...namedTeam(team) })
    if (loaded && !client.remote) requireConfig(loaded, true)
    const { run } = await client.call('runs.start', { body })
    if (options.detach !== true) return followRun(context, client, run)
    context.out.show({ run }, () => run)
  },
}

export const isFile = (team: string): boolean => /\.(ya?ml|json)$/i.test(team)

/** Returns the team of a command as its client takes it: the file of one, or a name. */
export const namedTeam = (team: string): Pick<ConnectOptions, 'team' | 'teams'> =>
  isFile(team) ? { team } : { teams: [{ team }] }

async function startOf({ signal }: CommandContext, team: string, task: string, options: Options) {
  const budget = text(options, 'budget')
  type Budget = NonNullable<RunConfig['budget']>
  const config = budget === undefined ? {} : { config: { budget: await readValue<Budget>(budget, signal) } }
  const { readConfig } = await import('../../../topology/index.ts')
  readConfig(config.config)
  return {
    task: task.startsWith('{') || task.startsWith('@') || task === '-' ? await readValue(task, signal) : task,
    team: isFile(team) ? undefined : team,
    id: text(options, 'id'),
    tags: listed(options, 'tags'),
    threadId: text(options, 'thread'),
    ...config,
  }
}

/** The option of commands after which a run continues. */
export const leaving = ['--detach', 'Exit at once; a server or `runs resume` continues the run'] as const

/** Without a server, the run continues in this process, unless `--detach` is set. */
export async function followUnlessDetached(
  context: CommandContext,
  run: string,
  options: Options,
  report: () => void,
): Promise<ExitCode | undefined> {
  const client = await context.client({ code: true })
  if (!client.remote && options.detach !== true) return followRun(context, client, run)
  report()
  return undefined
}

/** Asks for a run that the server begins. */
export async function begunFrom(
  context: CommandContext,
  options: Options,
  begin: (client: CliClient) => Promise<{ readonly run: string }>,
): Promise<ExitCode | undefined> {
  const client = await context.client({ code: true })
  const { run } = await begin(client)
  return followUnlessDetached(context, run, options, () => context.out.show({ run }, () => run))
}

/** Shows a run until it ends, or waits for a person in a terminal that is not interactive. */
export async function followRun(context: CommandContext, client: CliClient, run: string): Promise<ExitCode> {
  const shown = context.out.live ? drawn(context) : lines(context)
  context.signal.addEventListener('abort', () => {
    // Ends the redrawing, which would overwrite the following note.
    shown.end()
    context.out.note(interrupted(client, run))
  })
  try {
    for (let from = 0; ; ) {
      from = await showUntilIdle(context, client, run, { from, shown })
      const result = await resultOf(client, run, context.signal)
      shown.end()
      const isAsked = result.status === 'waiting' && isResult(result) && result.questions.length > 0
      if (!isAsked || !context.interactive) return showOutcome(context, run, result)
      for (const [index, question] of result.questions.entries()) {
        const value = await answerOf(question)
        if (value === undefined)
          return showOutcome(context, run, { ...result, questions: result.questions.slice(index) })
        await client.call('runs.answer', { path: { run }, body: { question: question.id, value } })
      }
    }
  } catch (error) {
    shown.end()
    // The run outlasts a storage or a server that fails. With JSON its events have its id.
    if (!context.signal.aborted && !context.out.json) context.out.note(interrupted(client, run))
    throw error
  } finally {
    // The timer of the redrawing would keep the process alive.
    shown.end()
  }
}

export const interrupted = ({ remote }: CliClient, run: string): string =>
  remote
    ? `Interrupted. The run continues on the server: troupe runs result ${run} --wait 30s`
    : `Interrupted. Nothing is lost, troupe runs resume ${run} carries it on.`

/** Answers a question, and waits up to 10 s until the run no longer lists it. */
export async function submitAnswer(
  context: CommandContext,
  client: CliClient,
  run: string,
  answer: AnswerBody,
): Promise<void> {
  await client.call('runs.answer', { path: { run }, body: answer })
  for (let attempts = 50; attempts > 0; attempts--) {
    const questions = questionsOf(await client.call('runs.result', { path: { run }, query: {} }))
    if (!questions.some(({ id }) => id === answer.question)) return
    await setTimeout(200, undefined, { signal: context.signal })
  }
}
interface AnswerBody {
  readonly question: string
  readonly value: unknown
}

function showOutcome({ out }: CommandContext, run: string, result: ShownResult | Status): ExitCode {
  if (out.json) out.line({ type: 'result', run, ...result })
  else showResult(out, run, result)
  if (result.status === 'waiting' && isResult(result)) return exitCodes.waiting
  return result.status === 'completed' ? exitCodes.ok : exitCodes.failed
}

export const isRunEndEvent = ({ type }: { readonly type: string }) =>
  type === 'run.completed' || type === 'run.failed' || type === 'run.cancelled'

interface Shown {
  add(event: TreeEvent): void
  end(): void
}

async function showUntilIdle(
  context: CommandContext,
  client: CliClient,
  run: string,
  { from, shown }: { readonly from: number; readonly shown: Shown },
): Promise<number> {
  let last = from
  let asked = 0
  for await (const { data } of client.stream('runs.events', { path: { run }, query: { from } })) {
    last = data.seq
    shown.add(data)
    context.out.line(data)
    if (isRunEndEvent(data)) break
    if (data.type === 'question.asked') asked++
    if (data.type === 'question.answered') asked--
    const rests = asked > 0 || data.type === 'run.paused' || data.type === 'step.waiting'
    if (rests && (await client.call('runs.get', { path: { run } })).status !== 'running') break
  }
  return last
}

async function resultOf(client: CliClient, run: string, signal: AbortSignal): Promise<ShownResult | Status> {
  for (;;) {
    const result = await client.call('runs.result', { path: { run }, query: { wait: '30s' } })
    if (result.status !== 'running' || signal.aborted) return result
  }
}

function lines({ out }: CommandContext): Shown {
  const tree = new RunTree()
  return {
    add(event) {
      const line = tree.add(event)
      if (line !== undefined) out.print(safe(line))
    },
    end() {},
  }
}

/** Drawn over itself at most a few times a second. */
function drawn({ out, signal }: CommandContext): Shown {
  const tree = new RunTree()
  let before: readonly string[] = []
  let begun = performance.now()
  const draw = () => {
    const { width } = out
    const now = tree.draw(width, 20, performance.now() - begun)
    if (now.join('\n') === before.join('\n')) return
    // After the terminal became narrower, the previous lines are wrapped.
    const height = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0)
    out.raw(`${height > 0 ? `\u001b[${height}F\u001b[J` : ''}${now.join('\n')}\n`)
    before = now
  }
  let timer: NodeJS.Timeout | undefined
  return {
    add(event) {
      tree.add(event)
      begun = performance.now()
      if (!signal.aborted) timer ??= setInterval(draw, 120)
    },
    end() {
      if (timer === undefined) return
      clearInterval(timer)
      timer = undefined
      draw()
      before = []
    },
  }
}

/** @returns undefined if the person gives no answer */
async function answerOf(question: ShownQuestion): Promise<unknown> {
  const { kind, text: questionText, options, hash } = question
  const prompts = await import('@clack/prompts')
  const message = safe(questionText)
  const choices = (values: readonly string[]) => values.map((value) => ({ value, label: safe(value) }))
  if (kind === 'approval') {
    const approve = await prompts.confirm({ message, initialValue: false })
    return prompts.isCancel(approve) ? undefined : { approve, hash }
  }
  const choice =
    kind === 'confirmation'
      ? await prompts.confirm({ message })
      : options || kind === 'error'
        ? await prompts.select({ message, options: choices(options ?? ['retry', 'skip', 'abort']) })
        : await prompts.text({ message })
  return prompts.isCancel(choice) ? undefined : choice
}
