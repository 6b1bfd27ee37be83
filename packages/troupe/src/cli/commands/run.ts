/** Runs a team on a task, and shows it at work. */
import { setTimeout } from 'node:timers/promises'
import { type Api, part } from '../api/api.ts'
import { type Command, type Hands, listed, type Options, text } from '../command.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { type RunEvent, RunTree } from '../output/run-tree.ts'
import { safe } from '../output/safe.ts'
import { widthOf } from '../output/width.ts'
import { readValue } from './read-json.ts'
import { isResult, type Question, type Result, type Status, showResult } from './run-result.ts'

export const runCommand: Command = {
  name: 'run',
  takes: '<team> <task>',
  says: 'runs a team: one of the configuration, an agent, or a file of a team',
  options: [
    ['--id <run>', 'starting again with the id of a run gives that run'],
    ['--tag <names>', 'with commas between'],
    ['--budget <json>', '{ steps, depth, hops, tokens, cost, time }'],
    ['--detach', 'prints the id, and leaves the run to the server'],
  ],
  async run(hands, [team = '', task = ''], options) {
    const api = await hands.api({ code: true, absent: 'made', ...(isFile(team) ? { team } : {}) })
    const { run } = await api.call<{ run: string }>({
      method: 'POST',
      path: '/v1/runs',
      body: startOf(team, task, options),
    })
    if (options.detach !== true) return followRun(hands, api, run)
    hands.out.show({ run }, () => run)
    return undefined
  },
}

export const isFile = (team: string): boolean => /\.(ya?ml|json)$/i.test(team)

function startOf(team: string, task: string, options: Readonly<Record<string, unknown>>) {
  const budget = text(options, 'budget')
  return {
    task: task.startsWith('{') || task.startsWith('@') || task === '-' ? readValue(task) : task,
    team: isFile(team) ? undefined : team,
    id: text(options, 'id'),
    tags: listed(options, 'tag'),
    ...(budget === undefined ? {} : { config: { budget: readValue(budget) } }),
  }
}

/** Of commands after which a run goes on. */
export const leaving = ['--detach', 'leaves the run to a server, or to `runs continue`'] as const

/** Where no server does it, a run is carried on here, unless it is to be left. */
export async function carryOn(
  hands: Hands,
  run: string,
  options: Options,
  tell: () => void,
): Promise<ExitCode | undefined> {
  const api = await hands.api({ code: true })
  if (!api.remote && options.detach !== true) return followRun(hands, api, run)
  tell()
  return undefined
}

/** Asks for a run that the server begins. */
export async function begunFrom(
  hands: Hands,
  path: string,
  body: unknown,
  options: Options,
): Promise<ExitCode | undefined> {
  const api = await hands.api({ code: true })
  const { run } = await api.call<{ run: string }>({ method: 'POST', path, body })
  return carryOn(hands, run, options, () => hands.out.show({ run }, () => run))
}

/** Until it ends, or waits for somebody who is not here. */
export async function followRun(hands: Hands, api: Api, run: string): Promise<ExitCode> {
  const at = `/v1/runs/${part(run)}`
  const shown = hands.out.live ? drawn(hands) : lines(hands)
  hands.signal.addEventListener('abort', () => {
    // Nothing is drawn over what is said now.
    shown.end()
    hands.out.note(interrupted(api, run))
  })
  try {
    for (let from = 0; ; ) {
      from = await showUntilRest(hands, api, run, { from, shown })
      const result = await resultOf(api, at, hands.signal)
      shown.end()
      const isAsked = result.status === 'waiting' && isResult(result) && result.questions.length > 0
      if (!isAsked || !hands.interactive) return showRest(hands, run, result)
      for (const question of result.questions) {
        const value = await answerOf(question)
        if (value === undefined) return exitCodes.waiting
        await api.call({ method: 'POST', path: `${at}/answers`, body: { question: question.id, value } })
      }
    }
  } finally {
    // What draws would keep the process alive.
    shown.end()
  }
}

export const interrupted = (api: Api, run: string): string =>
  api.remote
    ? `Interrupted. The server goes on with it: troupe runs result ${run} --wait 30s`
    : `Interrupted. Nothing is lost, troupe runs continue ${run} carries it on.`

/** Whoever looks next finds it answered. */
export async function giveAnswer(hands: Hands, api: Api, run: string, given: GivenAnswer): Promise<void> {
  const at = `/v1/runs/${part(run)}`
  await api.call({ method: 'POST', path: `${at}/answers`, body: given })
  for (let looks = 50; looks > 0; looks--) {
    const { questions = [] } = await api.call<Partial<Result>>({ path: `${at}/result` })
    if (!questions.some(({ id }) => id === given.question)) return
    await setTimeout(200, undefined, { signal: hands.signal })
  }
}
interface GivenAnswer {
  readonly question: string
  readonly value: unknown
}

function showRest({ out }: Hands, run: string, result: Result | Status): ExitCode {
  if (out.json) out.line({ type: 'result', run, ...result })
  else showResult(out, run, result)
  if (result.status === 'waiting' && isResult(result)) return exitCodes.waiting
  return result.status === 'completed' ? exitCodes.ok : exitCodes.failed
}

export const isOver = ({ type }: { readonly type: string }) =>
  type === 'run.completed' || type === 'run.failed' || type === 'run.cancelled'

interface Shown {
  add(event: RunEvent): void
  end(): void
}

async function showUntilRest(
  hands: Hands,
  api: Api,
  run: string,
  { from, shown }: { readonly from: number; readonly shown: Shown },
): Promise<number> {
  let last = from
  let asked = 0
  for await (const { data } of api.events<RunEvent>({ path: `/v1/runs/${part(run)}/events`, query: { from } })) {
    last = data.seq
    shown.add(data)
    hands.out.line(data)
    if (isOver(data)) break
    if (data.type === 'question.asked') asked++
    if (data.type === 'question.answered') asked--
    const rests = asked > 0 || data.type === 'run.paused' || data.type === 'step.waiting'
    if (rests && (await api.call<Status>({ path: `/v1/runs/${part(run)}` })).status !== 'running') break
  }
  return last
}

async function resultOf(api: Api, at: string, signal: AbortSignal): Promise<Result | Status> {
  for (;;) {
    const result = await api.call<Result | Status>({ path: `${at}/result`, query: { wait: '30s' } })
    if (result.status !== 'running' || signal.aborted) return result
  }
}

function lines({ out }: Hands): Shown {
  const tree = new RunTree()
  return {
    add(event) {
      const line = tree.add(event)
      if (line !== undefined) out.say(safe(line))
    },
    end() {},
  }
}

/** Drawn over itself at most a few times a second. */
function drawn({ out, signal }: Hands): Shown {
  const tree = new RunTree()
  let before: readonly string[] = []
  let begun = performance.now()
  const draw = () => {
    const { width } = out
    const now = tree.draw(width, 20, performance.now() - begun)
    if (now.join('\n') === before.join('\n')) return
    // A screen that became narrower has broken the lines that stood there.
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

/** @returns undefined where the person would rather not */
async function answerOf(question: Question): Promise<unknown> {
  const { kind, text: says, options, tool, args, hash } = question
  const prompts = await import('@clack/prompts')
  const message = safe(tool === undefined ? says : `${says}\n${tool} ${JSON.stringify(args)}`)
  const choices = (values: readonly string[]) => values.map((value) => ({ value, label: safe(value) }))
  if (kind === 'approval') {
    const approve = await prompts.confirm({ message, initialValue: false })
    return prompts.isCancel(approve) ? undefined : { approve, hash }
  }
  const given =
    kind === 'confirmation'
      ? await prompts.confirm({ message })
      : options || kind === 'error'
        ? await prompts.select({ message, options: choices(options ?? ['retry', 'skip', 'abort']) })
        : await prompts.text({ message })
  return prompts.isCancel(given) ? undefined : given
}
