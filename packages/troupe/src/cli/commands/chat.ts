/** Talks with an agent or a team, one line at a time. */
import { createInterface } from 'node:readline/promises'
import { type Api, part } from '../api/api.ts'
import type { Command } from '../command.ts'
import { CliError, exitCodes } from '../exit-codes.ts'
import { safe } from '../output/safe.ts'
import { isFile } from './run.ts'
import { isResult, type Result, type Status, showQuestion } from './run-result.ts'

export const chatCommand: Command = {
  name: 'chat',
  takes: '[team]',
  says: 'talks with an agent or a team; each line is a task, the last answers go along',
  async run(hands, [team]) {
    const { out, signal } = hands
    const api = await hands.api({ code: true, absent: 'made', ...(team !== undefined && isFile(team) ? { team } : {}) })
    if (team !== undefined && !isFile(team)) await known(api, team)
    const lines = createInterface({
      input: process.stdin,
      ...(hands.interactive ? { output: process.stdout } : {}),
      signal,
    })
    const said: string[] = []
    const prompt = () => {
      if (hands.interactive) process.stdout.write('> ')
    }
    prompt()
    for await (const line of lines) {
      if (line.trim() === '') {
        prompt()
        continue
      }
      if (line.trim() === '/exit') break
      // The thread of the talk, as far as a model needs it; what is asked comes first, that nothing else is taken for it.
      const task = said.length === 0 ? line : `${line}\n\nSaid before:\n${said.slice(-10).join('\n')}`
      const body = { task, team: team !== undefined && isFile(team) ? undefined : team }
      const { run } = await api.call<{ run: string }>({ method: 'POST', path: '/v1/runs', body })
      let result: Result | Status
      do result = await api.call<Result | Status>({ path: `/v1/runs/${part(run)}/result`, query: { wait: '30s' } })
      while (result.status === 'running' && !signal.aborted)
      const answer = isResult(result) ? textOf(result) : result.status
      said.push(`Person: ${line}`, `Answer: ${answer}`)
      out.line({ run, answer, status: result.status })
      out.say(safe(answer))
      if (isResult(result)) for (const question of result.questions) showQuestion(out, run, question)
      prompt()
    }
    return exitCodes.ok
  },
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
