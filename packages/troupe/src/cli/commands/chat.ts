/** Talks with an agent or a team, one line at a time. */
import { createInterface, type Interface } from 'node:readline/promises'
import { type Api, part } from '../api/api.ts'
import type { Command, Hands } from '../command.ts'
import { CliError, exitCodes } from '../exit-codes.ts'
import { safe } from '../output/safe.ts'
import { giveAnswer, interrupted, isFile } from './run.ts'
import { isResult, type Question, type Result, type Status, showAsked, showQuestion } from './run-result.ts'

export const chatCommand: Command = {
  name: 'chat',
  takes: '[team]',
  says: 'talks with an agent or a team; each line is a task, the last answers go along',
  async run(hands, [team]) {
    const { out, signal } = hands
    const api = await hands.api({ code: true, absent: 'made', ...(team !== undefined && isFile(team) ? { team } : {}) })
    if (team !== undefined && !isFile(team)) await known(api, team)
    using lines = createInterface({
      input: process.stdin,
      ...(hands.interactive ? { output: process.stdout } : {}),
      signal,
    })
    // On a terminal the keys of Ctrl-C come here, and not to the process.
    lines.on('SIGINT', () => process.emit('SIGINT'))
    const heard = listener(hands, lines)
    const said: string[] = []
    for (let line = await heard('> '); line !== undefined; line = await heard('> ')) {
      if (line.trim() === '') continue
      if (line.trim() === '/exit') break
      // The thread of the talk, as far as a model needs it; what is asked comes first, that nothing else is taken for it.
      const task = said.length === 0 ? line : `${line}\n\nSaid before:\n${said.slice(-10).join('\n')}`
      const body = { task, team: team !== undefined && isFile(team) ? undefined : team }
      const { run } = await api.call<{ run: string }>({ method: 'POST', path: '/v1/runs', body })
      const result = await talkedThrough({ hands, api, run, heard })
      const answer = isResult(result) ? textOf(result) : result.status
      said.push(`Person: ${line}`, `Answer: ${answer}`)
      out.line({ run, answer, status: result.status })
      out.say(safe(answer))
      if (isResult(result)) for (const question of result.questions) showQuestion(out, run, question)
    }
    return signal.aborted ? exitCodes.interrupted : exitCodes.ok
  },
}

/** @returns undefined where nothing more is said */
type Heard = (prompt: string) => Promise<string | undefined>

/** A line, and those behind it for as long as they end with a backslash. */
function listener({ interactive }: Hands, lines: Interface): Heard {
  const all = lines[Symbol.asyncIterator]()
  return async (prompt) => {
    let text = ''
    for (let shown = prompt; ; shown = '… ') {
      if (interactive) {
        // It is drawn again with what is recalled.
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

/** To its end; what it asks on the way the next lines answer, where somebody is there. */
async function talkedThrough({
  hands,
  api,
  run,
  heard,
}: {
  readonly hands: Hands
  readonly api: Api
  readonly run: string
  readonly heard: Heard
}): Promise<Result | Status> {
  const { out, signal } = hands
  const tell = () => out.note(interrupted(api, run))
  signal.addEventListener('abort', tell)
  try {
    for (;;) {
      const result = await api.call<Result | Status>({ path: `/v1/runs/${part(run)}/result`, query: { wait: '30s' } })
      if (result.status === 'running' && !signal.aborted) continue
      const [question] = isResult(result) && hands.interactive ? result.questions : []
      if (question === undefined) return result
      showAsked(out, question)
      const line = await heard('? ')
      if (line === undefined) return result
      const given = { question: question.id, value: answerOf(question, line) }
      // It is asked again.
      await giveAnswer(hands, api, run, given).catch((error: unknown) => {
        if (!(error instanceof CliError) || error.exit !== exitCodes.usage) throw error
        out.say(safe(error.message))
      })
    }
  } finally {
    signal.removeEventListener('abort', tell)
  }
}

function answerOf({ kind, hash, options }: Question, line: string): unknown {
  const isYes = /^y(es)?$/i.test(line.trim())
  if (kind === 'approval') return { approve: isYes, hash }
  if (kind === 'confirmation') return isYes
  return options || kind === 'error' ? line.trim() : line
}

/** Before anything is asked. @throws CliError where there is no such team */
async function known(api: Api, team: string): Promise<void> {
  await api.call({ method: 'POST', path: '/v1/check', body: { team } }).catch((error: unknown) => {
    // Who may start runs need not be one who may look at teams.
    if (!(error instanceof CliError) || error.exit !== exitCodes.denied) throw error
  })
}

const textOf = ({ response, error, status }: Result): string =>
  typeof response === 'string'
    ? response
    : response === undefined || response === null
      ? (error?.message ?? status)
      : JSON.stringify(response)
