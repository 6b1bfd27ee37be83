/** Talks with an agent or a team, one line at a time. All lines continue one thread, which other clients can read too. */
import { randomUUID } from 'node:crypto'
import { createInterface, type Interface } from 'node:readline/promises'
import { type CliCommand, type CommandContext, text } from '../cli-command.ts'
import { complaintOf, exitCodes } from '../exit-codes.ts'
import { contentText } from '../output/content-text.ts'
import { safe } from '../output/safe.ts'
import type { CliClient } from '../transport/cli-client.ts'
import { interrupted, isFile, namedTeam, submitAnswer } from './runs/run-command.ts'
import {
  isResult,
  type ShownQuestion,
  type ShownResult,
  type Status,
  showAsked,
  showQuestion,
} from './runs/show-result.ts'

export const chatCommand: CliCommand = {
  name: 'chat',
  parameters: '[team]',
  description: 'Talk with an agent or a team; each line is a task that continues the thread',
  options: [['--thread <id>', 'Continue this thread (default: a new one)']],
  async run(context, [team], options) {
    const { out, signal } = context
    const client = await context.client({
      code: true,
      absent: 'made',
      ...(team === undefined ? {} : namedTeam(team)),
    })
    if (team !== undefined && !isFile(team)) await known(client, team)
    using lines = createInterface({
      input: process.stdin,
      ...(context.interactive ? { output: process.stdout } : {}),
      signal,
    })
    // On a terminal the keys of Ctrl-C come here, and not to the process.
    lines.on('SIGINT', () => process.emit('SIGINT'))
    const readLine = listener(context, lines)
    const threadId = text(options, 'thread') ?? randomUUID()
    if (context.interactive) out.note(`The thread is ${threadId}.`)
    for (let line = await readLine('> '); line !== undefined; line = await readLine('> ')) {
      if (line.trim() === '') continue
      if (line.trim() === '/exit') break
      const body = { task: line, team: team !== undefined && isFile(team) ? undefined : team, threadId }
      const { run } = await client.call('runs.start', { body })
      const result = await talkedThrough({ context, client, run, readLine })
      const answer = isResult(result) ? textOf(result) : result.status
      out.line({ run, thread: threadId, answer, status: result.status })
      out.print(safe(answer))
      if (isResult(result)) for (const question of result.questions) showQuestion(out, run, question)
    }
    return signal.aborted ? exitCodes.interrupted : exitCodes.ok
  },
}

/** @returns undefined at the end of the input */
type ReadLine = (prompt: string) => Promise<string | undefined>

/** Reads a line, and joins the next one while a line ends with a backslash. */
function listener({ interactive }: CommandContext, lines: Interface): ReadLine {
  const all = lines[Symbol.asyncIterator]()
  return async (prompt) => {
    let text = ''
    for (let shown = prompt; ; shown = '… ') {
      if (interactive) {
        // It is redrawn when a previous line is recalled.
        lines.setPrompt(shown)
        process.stdout.write(shown)
      }
      const { value, done } = await all.next()
      if (done) return text === '' ? undefined : text
      if (!value.endsWith('\\')) return text + value
      text += `${value.slice(0, -1)}\n`
    }
  }
}

/** Follows the run to its end. In an interactive terminal, the next lines answer its questions. */
async function talkedThrough({
  context,
  client,
  run,
  readLine,
}: {
  readonly context: CommandContext
  readonly client: CliClient
  readonly run: string
  readonly readLine: ReadLine
}): Promise<ShownResult | Status> {
  const { out, signal } = context
  const announce = () => out.note(interrupted(client, run))
  signal.addEventListener('abort', announce)
  try {
    for (;;) {
      const result = await client.call('runs.result', { path: { run }, query: { wait: '30s' } })
      if (result.status === 'running' && !signal.aborted) continue
      const [question] = isResult(result) && context.interactive ? result.questions : []
      if (question === undefined) return result
      showAsked(out, question)
      const line = await readLine('? ')
      if (line === undefined) return result
      const answer = { question: question.id, value: answerOf(question, line) }
      // It is asked again.
      await submitAnswer(context, client, run, answer).catch((error: unknown) => {
        const { exit, message } = complaintOf(error)
        if (exit !== exitCodes.usage) throw error
        out.print(safe(message))
      })
    }
  } finally {
    signal.removeEventListener('abort', announce)
  }
}

function answerOf({ kind, hash, options }: ShownQuestion, line: string): unknown {
  const isYes = /^y(es)?$/i.test(line.trim())
  if (kind === 'approval') return { approve: isYes, hash }
  if (kind === 'confirmation') return isYes
  return options || kind === 'error' ? line.trim() : line
}

/** Checks the team before the first prompt. @throws CliError if the team is unknown */
async function known(client: CliClient, team: string): Promise<void> {
  await client.call('teams.check', { body: { team } }).catch((error: unknown) => {
    // A key that may start runs may not be allowed to read teams.
    if (complaintOf(error).exit !== exitCodes.denied) throw error
  })
}

const textOf = ({ response, error, status }: ShownResult): string =>
  typeof response === 'string'
    ? response
    : response === undefined || response === null
      ? (error?.message ?? status)
      : contentText(response)
