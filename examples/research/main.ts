/**
 * The command line of the research project: reads what is asked, runs it, and says where the report is. Exit codes: 0
 * for a report, 2 for what the person can put right, 130, 143 or 129 where Ctrl-C, SIGTERM or SIGHUP came before it, 1 for
 * everything else.
 */
// First: it bounds the memory of what the other imports make, too.
import './bound-heap.ts'

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { InputError } from './documents/index.ts'
import { failureOf } from './failure-of.ts'
import { twinPath } from './report/write-report.ts'
import { defaultData, resumeCommand } from './resume-command.ts'
import { type RunOptions, runProject } from './run-project.ts'
import { offlineModel } from './team/model-of.ts'
import { printLines } from './terminal/print-lines.ts'
import { showLive } from './terminal/show-live.ts'
import type { Watcher } from './watcher.ts'

interface Flags {
  readonly docs?: readonly string[]
  readonly model?: string
  readonly resume?: string | true
  readonly crash?: true
  readonly data: string
  readonly reports: string
  readonly once?: true
  readonly json?: true
}

function readCommandLine(argv: readonly string[]): RunOptions & { readonly json: boolean } {
  const program = new Command()
    .name('npm start --')
    .description(
      'A team of agents reads folders of documents and answers a question in a report in which every claim is cited.',
    )
    .argument('[question]', 'what you want to know')
    .option(
      '--docs <folder>',
      'a folder of documents: Markdown, text, HTML, PDF, Word, CSV, notebooks, source; may be given again',
      (path, before: string[] = []) => [...before, path],
    )
    .option(
      '--model <provider/model>',
      `the language model, or the URL of an OpenAI-compatible server and #MODEL (default: ${offlineModel}, which needs no key)`,
    )
    .option(
      '--resume [run]',
      'finish the newest run that was interrupted, or retry it where it failed; or a certain one',
    )
    .option('--crash', 'end this process with SIGKILL in the middle of the work, to see it finished with --resume')
    .option('--data <folder>', 'where the database is', defaultData)
    .option('--reports <folder>', 'where reports go', './reports')
    .option('--once', 'end after the report; else, at a terminal, the page of the run is served until Ctrl-C')
    .option('--json', 'print the answers as JSON in place of the progress')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  program.parse(argv as string[], { from: 'user' })
  const { docs, model, resume, crash = false, data, reports, once, json = false } = program.opts<Flags>()
  if (crash && resume !== undefined) throw new InputError('--crash starts a run to cut it off: leave --resume out.')
  const [question] = program.args
  const page = !once && !json && process.stdout.isTTY && !process.env.CI
  return { question, docs, model, resume, crash, data, reports, page, json }
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const complain = (line: string) => process.stderr.write(`${line}\n`)

const watched = (): Watcher => ({
  ...(process.stdout.isTTY && process.stdout.columns >= 40 ? showLive(print) : printLines(print)),
  reported: print,
})

/** Prints the JSON of the report and nothing else. */
const jsonOnly: Watcher = {
  report() {},
  begins() {},
  event() {},
  model() {},
  ends() {},
  reported: (path) => print(readFileSync(twinPath(path), 'utf8').trimEnd()),
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** @param onSignal told of the first one, with its exit code */
function watchSignals(onSignal: (exitCode: number) => void): void {
  let isFirst = true
  for (const name of Object.keys(exitCodes) as (keyof typeof exitCodes)[])
    process.on(name, () => {
      // A second one ends the process at once: the journal is durable at every moment.
      if (!isFirst) process.exit(exitCodes[name])
      isFirst = false
      // With SIGHUP the terminal may be gone, and nobody reads what is written to it.
      if (name === 'SIGHUP') for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
      onSignal(exitCodes[name])
    })
}

/** @returns the exit code */
async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController()
  let interruptedCode = 0
  let resume: string | undefined
  watchSignals((exitCode) => {
    interruptedCode = exitCode
    stop.abort()
  })
  try {
    const options = readCommandLine(argv)
    const shown = options.json ? jsonOnly : watched()
    await runProject(
      options,
      {
        ...shown,
        begins(id, project, resumed, since) {
          resume = resumeCommand(id, options.data)
          shown.begins(id, project, resumed, since)
        },
      },
      stop.signal,
    )
    return 0
  } catch (error) {
    if (stop.signal.aborted) {
      complain(resume === undefined ? 'Interrupted before anything began.' : `Interrupted. Nothing is lost: ${resume}`)
      return interruptedCode
    }
    return report(error)
  }
}

function report(error: unknown): number {
  const parsing = error as { code?: string; exitCode?: number; message?: string }
  if (parsing.code?.startsWith('commander.')) {
    if (parsing.exitCode === 0) return 0
    complain(`${parsing.message?.replace(/^error: /, '')} (npm start -- --help tells the options.)`)
    return 2
  }
  const { code, message, hint } = failureOf(error)
  complain(message)
  if (hint !== undefined) complain(hint)
  return code
}

process.exitCode = await main(process.argv.slice(2))
